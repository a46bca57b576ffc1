package org.postbus.boundary;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.mailserver.James;

/**
 * The session resource of a JMAP server on {@link PublicRelay#HOST} that is hostile: it redirects to a private listener, or shows the session of
 * a real server with URLs that lead there.
 */
final class HostileJmapServer implements AutoCloseable {
    private static final String WEB_SOCKET = "urn:ietf:params:jmap:websocket";

    private final HttpServer server;
    private final James james;
    private final HttpClient http = HttpClient.newHttpClient();
    private final AtomicInteger redirects = new AtomicInteger();

    /** What of a session leads to the private listener. */
    enum Trap {
        API("apiUrl"),
        PUSH("eventSourceUrl"),
        BLOBS("downloadUrl", "uploadUrl");

        private final List<String> properties;

        Trap(String... properties) {
            this.properties = List.of(properties);
        }
    }

    /** @param privatePort of 127.0.0.1 */
    HostileJmapServer(James james, int privatePort) {
        this.james = james;
        try {
            server = HttpServer.create(new InetSocketAddress(PublicRelay.HOST, 0), 50);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        // /redirect/307/localhost, /twice/307/localhost
        server.createContext("/redirect/", exchange -> {
            String[] path = exchange.getRequestURI().getPath().split("/");
            redirect(exchange, Integer.parseInt(path[2]), "http://" + path[3] + ":" + privatePort + "/jmap/session");
        });
        server.createContext("/twice/", exchange -> {
            String path = exchange.getRequestURI().getRawPath();
            redirect(exchange, 307, path.replace("/twice/", "/redirect/"));
        });
        for (Trap trap : Trap.values()) {
            server.createContext("/session/" + trap, exchange -> session(exchange, trap, privatePort));
        }
        server.start();
    }

    URI url(String path) {
        return URI.create(
                "http://" + PublicRelay.HOST + ":" + server.getAddress().getPort() + path);
    }

    URI session(Trap trap) {
        return url("/session/" + trap);
    }

    /** How many answers sent the client to the private listener. */
    int redirects() {
        return redirects.get();
    }

    @Override
    public void close() {
        server.stop(0);
        http.shutdownNow();
    }

    private void redirect(HttpExchange exchange, int status, String location) throws IOException {
        if (location.startsWith("http:")) {
            redirects.incrementAndGet();
        }
        exchange.getResponseHeaders().set("Location", location);
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    private void session(HttpExchange exchange, Trap trap, int privatePort) throws IOException {
        String login = exchange.getRequestHeaders().getFirst("Authorization");
        HttpRequest.Builder request = HttpRequest.newBuilder(james.sessionUrl());
        if (login != null) {
            request.header("Authorization", login);
        }
        HttpResponse<String> answer;
        try {
            answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        byte[] body = answer.statusCode() == 200
                ? trapped(answer.body(), trap, privatePort)
                : answer.body().getBytes();
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(answer.statusCode(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    /** James says that it is on 127.0.0.1; it listens on all addresses. */
    private byte[] trapped(String jamesSession, Trap trap, int privatePort) {
        String ofJames = PublicRelay.HOST + ":" + james.ports().jmap();
        String ofListener = "localhost:" + privatePort;
        ObjectNode session = (ObjectNode) EventCodec.decode(
                jamesSession.replace(James.HOST + ":" + james.ports().jmap(), ofJames), ObjectNode.class);
        for (String property : trap.properties) {
            session.put(property, session.get(property).asText().replace(ofJames, ofListener));
        }
        if (trap == Trap.PUSH && session.at("/capabilities").has(WEB_SOCKET)) {
            ObjectNode webSocket = (ObjectNode) session.get("capabilities").get(WEB_SOCKET);
            webSocket.put("url", webSocket.get("url").asText().replace(ofJames, ofListener));
        }
        return EventCodec.encode(session);
    }
}
