package org.postbus.bench.floor;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.stage.MailServer;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.rawclient.RawJmap;
import org.postbus.model.EmailBody;

/**
 * The least time in which a server delivers what the fetcher reads: a raw client requests the same items over one connection and
 * discards them. No client that requests these items can be faster.
 */
public final class ServerFloor {
    /** The items that fetcher-service requests in an initial sync. */
    private static final String IMAP_ITEMS = "UID FLAGS INTERNALDATE RFC822.SIZE %s BODY.PEEK[]<0.65536>";

    private static final int JMAP_EMAILS = 50;
    private static final int JMAP_AT_ONCE = 3;
    /** James returns at most this many ids per query. */
    private static final int JMAP_PAGE = 256;

    private static final List<String> JMAP_PROPERTIES = List.of(
            "id",
            "blobId",
            "threadId",
            "mailboxIds",
            "keywords",
            "size",
            "receivedAt",
            "messageId",
            "inReplyTo",
            "references",
            "sender",
            "from",
            "to",
            "cc",
            "bcc",
            "replyTo",
            "subject",
            "sentAt",
            "hasAttachment",
            "preview",
            "textBody",
            "htmlBody",
            "attachments",
            "bodyValues");
    private static final List<String> JMAP_PART =
            List.of("partId", "blobId", "size", "name", "type", "charset", "disposition", "cid");

    private static final int RESPONSE_MILLIS = 120_000;
    /** Long enough for the last line of a response. */
    private static final int TAIL_BYTES = 512;

    private ServerFloor() {}

    /** @param bytes received over the connection */
    public record Read(double seconds, long bytes) {}

    /** INBOX in one command. */
    public static Read overImap(MailServer server) {
        try (Socket socket = new Socket(MailServer.HOST, server.imapPort())) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(RESPONSE_MILLIS);
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            long begin = System.nanoTime();
            readUntil(in, "* OK");
            command(
                    in,
                    out,
                    "LOGIN \"" + server.user() + "\" \"" + server.password().reveal() + "\"");
            command(in, out, "SELECT INBOX (CONDSTORE)");
            long bytes = command(in, out, "UID FETCH 1:* (" + IMAP_ITEMS.formatted(server.imapItems()) + ")");
            return new Read(Figures.secondsSince(begin), bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All ids, page by page, then the emails in batches, several requests at a time, as the fetcher requests them. */
    public static Read overJmap(MailServer.OfJames server) {
        long begin = System.nanoTime();
        try (RawJmap jmap = RawJmap.login(
                        server.sessionUrl(), server.user(), server.password().reveal());
                ExecutorService threads = Executors.newFixedThreadPool(JMAP_AT_ONCE)) {
            List<String> ids = jmap.emailIds();
            List<CompletableFuture<Long>> answers = new ArrayList<>();
            for (int from = 0; from < ids.size(); from += JMAP_EMAILS) {
                byte[] request = get(jmap.accountId(), ids.subList(from, Math.min(ids.size(), from + JMAP_EMAILS)));
                answers.add(CompletableFuture.supplyAsync(() -> jmap.discard(request), threads));
            }
            long bytes = answers.stream().mapToLong(CompletableFuture::join).sum();
            return new Read(Figures.secondsSince(begin), bytes);
        }
    }

    /** Pages of emails, newest first: {@code Email/query} and {@code Email/get} in one request, one request at a time. */
    public static Read overJmapByPages(MailServer.OfJames server, int emails) {
        long begin = System.nanoTime();
        try (RawJmap jmap = RawJmap.login(
                server.sessionUrl(), server.user(), server.password().reveal())) {
            long bytes = 0;
            for (int position = 0; position < emails; position += JMAP_PAGE) {
                bytes += jmap.discard(page(jmap.accountId(), position));
            }
            return new Read(Figures.secondsSince(begin), bytes);
        }
    }

    private static byte[] page(String accountId, int position) {
        ObjectNode request = request();
        ArrayNode query = request.withArray("methodCalls").addArray().add("Email/query");
        ObjectNode ask = query.addObject();
        query.add("q");
        ask.put("accountId", accountId).put("position", position).put("limit", JMAP_PAGE);
        ask.putArray("sort").addObject().put("property", "receivedAt").put("isAscending", false);
        addGet(request, accountId)
                .putObject("#ids")
                .put("resultOf", "q")
                .put("name", "Email/query")
                .put("path", "/ids");
        return EventCodec.encode(request);
    }

    private static byte[] get(String accountId, List<String> ids) {
        ObjectNode request = request();
        addGet(request, accountId).set("ids", EventCodec.mapper().valueToTree(ids));
        return EventCodec.encode(request);
    }

    private static ObjectNode request() {
        ObjectNode request = EventCodec.mapper().createObjectNode();
        request.putArray("using").add("urn:ietf:params:jmap:core").add("urn:ietf:params:jmap:mail");
        request.putArray("methodCalls");
        return request;
    }

    /** @return the call's arguments, still without ids */
    private static ObjectNode addGet(ObjectNode request, String accountId) {
        ArrayNode call = request.withArray("methodCalls").addArray().add("Email/get");
        ObjectNode get = call.addObject();
        call.add("g");
        get.put("accountId", accountId);
        get.set("properties", EventCodec.mapper().valueToTree(JMAP_PROPERTIES));
        get.set("bodyProperties", EventCodec.mapper().valueToTree(JMAP_PART));
        get.put("fetchTextBodyValues", true)
                .put("fetchHTMLBodyValues", true)
                .put("maxBodyValueBytes", EmailBody.TEXT_BYTES_MAX);
        return get;
    }

    private static long command(InputStream in, OutputStream out, String command) throws IOException {
        String tag = "floor" + Long.toHexString(System.nanoTime());
        out.write((tag + " " + command + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
        return readUntil(in, tag + " OK");
    }

    /** Reads until the last received line starts with {@code lastLine}; only the end of each read is inspected. */
    private static long readUntil(InputStream in, String lastLine) throws IOException {
        byte[] buffer = new byte[256 * 1024];
        byte[] tail = new byte[0];
        long total = 0;
        while (true) {
            int read = in.read(buffer);
            if (read < 0) {
                throw new EOFException("connection closed by the server");
            }
            total += read;
            tail = tail(tail, buffer, read);
            if (tail[tail.length - 1] == '\n' && lastLine(tail).startsWith(lastLine)) {
                return total;
            }
        }
    }

    private static byte[] tail(byte[] before, byte[] buffer, int read) {
        int kept = Math.min(before.length, Math.max(0, TAIL_BYTES - read));
        int taken = Math.min(read, TAIL_BYTES);
        byte[] tail = new byte[kept + taken];
        System.arraycopy(before, before.length - kept, tail, 0, kept);
        System.arraycopy(buffer, read - taken, tail, kept, taken);
        return tail;
    }

    private static String lastLine(byte[] tail) {
        String text = new String(tail, StandardCharsets.ISO_8859_1).stripTrailing();
        return text.substring(text.lastIndexOf('\n') + 1);
    }
}
