package org.postbus.mail.imap.fake;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;

/**
 * Plays transcripts on a real socket, one per connection, in the given order. Strict: an octet that the transcript
 * does not expect ends the connection and makes {@link #assertPlayed} fail.
 */
public final class ScriptedImapServer implements AutoCloseable {
    private static final int SILENCE_MILLIS_MAX = 10_000;

    private final ServerSocket listening;
    private final List<Transcript> transcripts;
    private final Optional<SSLContext> tls;
    private final boolean drip;
    private final Thread player;
    private final List<String> complaints = new ArrayList<>();
    private int played;

    private ScriptedImapServer(List<Transcript> transcripts, Optional<SSLContext> tls, boolean drip) {
        this.transcripts = transcripts;
        this.tls = tls;
        this.drip = drip;
        try {
            this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        this.player = Thread.ofVirtual().start(this::play);
    }

    public static ScriptedImapServer playing(Transcript... transcripts) {
        return new ScriptedImapServer(List.of(transcripts), Optional.empty(), false);
    }

    /** Sends one octet at a time. */
    public static ScriptedImapServer dripping(Transcript... transcripts) {
        return new ScriptedImapServer(List.of(transcripts), Optional.empty(), true);
    }

    /** For transcripts with {@code X: tls}. */
    public static ScriptedImapServer playingWithTls(SSLContext tls, Transcript... transcripts) {
        return new ScriptedImapServer(List.of(transcripts), Optional.of(tls), false);
    }

    public ServerAddress address() {
        return address(TlsMode.NONE);
    }

    public ServerAddress address(TlsMode mode) {
        return new ServerAddress("localhost", listening.getLocalPort(), mode);
    }

    /** Waits until every transcript has been played to its end; the clients must have closed their connections. */
    public void assertPlayed() {
        try {
            player.join(SILENCE_MILLIS_MAX);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (complaints) {
            if (!complaints.isEmpty()) {
                throw new AssertionError(String.join("\n", complaints));
            }
            if (played < transcripts.size()) {
                throw new AssertionError("only " + played + " of " + transcripts.size() + " transcripts were played");
            }
        }
    }

    /** The unexpected behaviour of clients so far. */
    public List<String> complaints() {
        synchronized (complaints) {
            return List.copyOf(complaints);
        }
    }

    private void play() {
        for (Transcript transcript : transcripts) {
            try (Socket socket = listening.accept()) {
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(SILENCE_MILLIS_MAX);
                play(transcript, socket);
            } catch (IOException e) {
                complain(transcript.name() + ": " + e);
                return;
            }
        }
    }

    private void play(Transcript transcript, Socket plain) throws IOException {
        Socket socket = plain;
        for (Transcript.Step step : transcript.steps()) {
            try {
                switch (step) {
                    case Transcript.Step.Send(var line, var octets) -> send(socket.getOutputStream(), octets);
                    case Transcript.Step.Expect(var line, var octets) -> {
                        byte[] got = socket.getInputStream().readNBytes(octets.length);
                        if (!Arrays.equals(got, octets)) {
                            complain(transcript.name() + " line " + line + "\nexpected: " + shown(octets)
                                    + "\nbut was:  " + shown(got));
                            return;
                        }
                    }
                    case Transcript.Step.Close(var line) -> {
                        socket.close();
                        finished();
                        return;
                    }
                    case Transcript.Step.Tls(var line) -> socket = handshake(socket);
                }
            } catch (SocketTimeoutException e) {
                complain(transcript.name() + " line " + step.line() + ": the client says nothing");
                return;
            } catch (IOException e) {
                if (step instanceof Transcript.Step.Send && transcript.expectsNothingAfter(step)) {
                    // The client may close before it has received everything, such as after BYE.
                    finished();
                } else {
                    complain(transcript.name() + " line " + step.line() + ": " + e);
                }
                return;
            }
        }
        expectEnd(transcript, socket.getInputStream());
    }

    private void expectEnd(Transcript transcript, InputStream in) {
        try {
            byte[] more = in.readNBytes(1);
            if (more.length > 0) {
                complain(transcript.name() + ": the client says more: " + shown(more)
                        + shown(in.readNBytes(in.available())));
                return;
            }
        } catch (SocketTimeoutException e) {
            complain(transcript.name() + ": the client does not hang up");
            return;
        } catch (IOException e) {
            // A reset is an end, too: the client closed before it had read everything.
        }
        finished();
    }

    private Socket handshake(Socket socket) throws IOException {
        SSLSocket upgraded = (SSLSocket)
                tls.orElseThrow().getSocketFactory().createSocket(socket, "localhost", socket.getPort(), true);
        upgraded.setUseClientMode(false);
        upgraded.startHandshake();
        return upgraded;
    }

    private void send(OutputStream out, byte[] octets) throws IOException {
        if (!drip) {
            out.write(octets);
            return;
        }
        for (byte octet : octets) {
            out.write(octet);
            out.flush();
        }
    }

    private void finished() {
        synchronized (complaints) {
            played++;
        }
    }

    private void complain(String complaint) {
        synchronized (complaints) {
            complaints.add(complaint);
        }
    }

    private static String shown(byte[] octets) {
        return new String(octets, StandardCharsets.ISO_8859_1)
                .replace("\r", "\\r")
                .replace("\n", "\\n");
    }

    @Override
    public void close() {
        try {
            listening.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
