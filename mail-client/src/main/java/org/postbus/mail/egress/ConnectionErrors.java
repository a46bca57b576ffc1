package org.postbus.mail.egress;

import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.vertx.core.VertxException;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.postbus.mail.ServerException;

/**
 * What went wrong with a connection, in our own words. Texts of exceptions may contain what the peer sent, or an address; a tenant that names
 * servers must see neither. A closed, a filtered and a silent port have the same words, so that they do not describe a private network.
 */
public final class ConnectionErrors {
    private ConnectionErrors() {}

    /** A sentence without a subject's name and without a full stop. */
    public static String sentence(Throwable error) {
        List<Throwable> chain = chain(error);
        for (Throwable one : chain) {
            if (one instanceof ServerException known) {
                return known.failure().text();
            }
        }
        if (has(chain, SslHandshakeTimeoutException.class)) {
            return "the TLS handshake was not done in time";
        }
        if (has(chain, NotSslRecordException.class)) {
            return "the server does not speak TLS on this port";
        }
        if (has(chain, CertificateException.class)
                || has(chain, CertPathBuilderException.class)
                || has(chain, CertPathValidatorException.class)) {
            return certificate(chain);
        }
        if (has(chain, SSLException.class)) {
            return has(chain, ClosedChannelException.class)
                    ? "the server closed the connection during the TLS handshake"
                    : "the TLS handshake failed";
        }
        if (has(chain, DecoderException.class) || has(chain, IllegalArgumentException.class)) {
            return "the server speaks another protocol";
        }
        // Vert.x's own timeouts of a connection attempt and of a request are both of this kind.
        if (has(chain, TimeoutException.class) || has(chain, SocketTimeoutException.class)) {
            return "no answer in time";
        }
        if (chain.stream().anyMatch(ConnectionErrors::isUnreachable)) {
            return "the host can not be reached on this port";
        }
        if (has(chain, IOException.class) || has(chain, VertxException.class)) {
            return "the connection was closed";
        }
        return "the connection failed";
    }

    /** Whether octets that should be plain text begin a TLS alert or handshake (RFC 8446 section 5.1). */
    public static boolean isTlsRecord(byte first, byte second) {
        return (first == 0x15 || first == 0x16) && second == 0x03;
    }

    private static String certificate(List<Throwable> chain) {
        if (has(chain, CertificateExpiredException.class) || has(chain, CertificateNotYetValidException.class)) {
            return "the server's certificate has expired or is not valid yet";
        }
        return has(chain, CertPathBuilderException.class) || has(chain, CertPathValidatorException.class)
                ? "the server's certificate is not trusted: no known authority has issued it"
                : "the server's certificate is not for this host";
    }

    /** No connection was opened. An open one that breaks is a {@link SocketException}, too. */
    private static boolean isUnreachable(Throwable one) {
        return one instanceof SocketException
                && (one.getMessage() == null || !one.getMessage().startsWith("Connection reset"));
    }

    private static boolean has(List<Throwable> chain, Class<? extends Throwable> kind) {
        return chain.stream().anyMatch(kind::isInstance);
    }

    private static List<Throwable> chain(Throwable error) {
        List<Throwable> chain = new ArrayList<>();
        for (Throwable one = error; one != null && chain.size() < 16 && !chain.contains(one); one = one.getCause()) {
            chain.add(one);
        }
        return chain;
    }
}
