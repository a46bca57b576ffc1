package org.postbus.mail.smtp;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.TestCertificate;

/**
 * A submission server that accepts everything, unless a reply to a command is prepared. An accepted message counts as
 * delivered, whatever the reply is.
 */
public final class ScriptedSmtpServer implements AutoCloseable {
    /** Instead of a reply: the connection is closed. */
    public static final String CUT = "cut the line";
    /** The command that stands for the end of the message. */
    public static final String END_OF_DATA = ".";

    private final TlsMode tls;
    private final ServerSocket listening;
    private final Map<String, String> answers = new ConcurrentHashMap<>();
    private final List<Delivered> delivered = new CopyOnWriteArrayList<>();
    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private volatile String capabilities = "AUTH PLAIN LOGIN XOAUTH2";

    /** @param content as received, with dots unstuffed and lines ended by CRLF */
    public record Delivered(String mailFrom, List<String> recipients, String content) {}

    public ScriptedSmtpServer() {
        this(TlsMode.NONE);
    }

    /** With TLS it presents {@link TestCertificate#forLocalhost()}. */
    public ScriptedSmtpServer(TlsMode tls) {
        this.tls = tls;
        try {
            listening = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    public ServerAddress address() {
        return new ServerAddress(tls == TlsMode.NONE ? "127.0.0.1" : "localhost", listening.getLocalPort(), tls);
    }

    /**
     * @param command its beginning, in capitals except for addresses, such as {@code RCPT TO:<bob@}; or {@link
     *     #END_OF_DATA}
     */
    public void answer(String command, String reply) {
        answers.put(command, reply);
    }

    public void answerAsUsual() {
        answers.clear();
    }

    public void offer(String capabilities) {
        this.capabilities = capabilities;
    }

    public List<Delivered> delivered() {
        return List.copyOf(delivered);
    }

    public List<String> commands() {
        return List.copyOf(commands);
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                sockets.add(socket);
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            Socket line = tls == TlsMode.TLS ? encrypted(socket) : socket;
            say(line.getOutputStream(), "220 scripted");
            if (talk(line, tls == TlsMode.STARTTLS)) {
                talk(encrypted(socket), false);
            }
        } catch (IOException gone) {
            // The client has closed the connection: what it sent until then is recorded.
            commands.add("(the client went away)");
        }
    }

    private static Socket encrypted(Socket socket) throws IOException {
        SSLSocket encrypted = (SSLSocket) TestCertificate.forLocalhost()
                .server()
                .getSocketFactory()
                .createSocket(socket, "localhost", socket.getPort(), true);
        encrypted.setUseClientMode(false);
        encrypted.startHandshake();
        return encrypted;
    }

    /** @return whether the connection continues encrypted */
    private boolean talk(Socket socket, boolean startTls) throws IOException {
        var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
        OutputStream out = socket.getOutputStream();
        String mailFrom = "";
        List<String> recipients = new ArrayList<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            commands.add(line);
            String verb = line.split("[ :]")[0].toUpperCase(Locale.ROOT);
            String reply = scripted(
                    line,
                    switch (verb) {
                        case "EHLO" ->
                            "250-scripted\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n"
                                    + (startTls ? "250-STARTTLS\r\n" : "")
                                    + "250 "
                                    + capabilities;
                        case "AUTH" -> line.split(" ").length > 2 ? "235 2.7.0 welcome" : "334 VXNlcm5hbWU6";
                        case "DATA" -> "354 go on";
                        case "QUIT" -> "221 bye";
                        default -> "250 2.0.0 fine";
                    });
            if (reply.equals(CUT)) {
                return false;
            }
            say(out, reply);
            if (verb.equals("STARTTLS") && startTls) {
                return true;
            }
            if (verb.equals("QUIT")) {
                return false;
            }
            if (reply.startsWith("334")) {
                commands.add(in.readLine());
                say(out, "334 UGFzc3dvcmQ6");
                commands.add(in.readLine());
                say(out, scripted("AUTH", "235 2.7.0 welcome"));
            } else if (verb.equals("MAIL") && reply.startsWith("2")) {
                mailFrom = address(line);
                recipients = new ArrayList<>();
            } else if (verb.equals("RCPT") && reply.startsWith("2")) {
                recipients.add(address(line));
            } else if (reply.startsWith("354")) {
                String content = content(in);
                String end = scripted(END_OF_DATA, "250 2.6.0 taken");
                if (end.startsWith("2") || end.equals(CUT)) {
                    delivered.add(new Delivered(mailFrom, List.copyOf(recipients), content));
                }
                if (end.equals(CUT)) {
                    return false;
                }
                say(out, end);
            }
        }
        return false;
    }

    private String scripted(String line, String usual) {
        return answers.entrySet().stream()
                .filter(answer -> line.regionMatches(
                        true, 0, answer.getKey(), 0, answer.getKey().length()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(usual);
    }

    private static String content(BufferedReader in) throws IOException {
        StringBuilder content = new StringBuilder();
        for (String line = in.readLine(); !line.equals("."); line = in.readLine()) {
            content.append(line.startsWith(".") ? line.substring(1) : line).append("\r\n");
        }
        return content.toString();
    }

    private static String address(String line) {
        return line.substring(line.indexOf('<') + 1, line.indexOf('>'));
    }

    private static void say(OutputStream out, String reply) throws IOException {
        out.write((reply + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    @Override
    public void close() throws IOException {
        listening.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
