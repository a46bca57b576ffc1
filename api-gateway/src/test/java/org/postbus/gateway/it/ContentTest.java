package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Database;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;

/**
 * Content that is read on request: the built service with a heap of 128 MB, which must be enough for all tests of all subclasses.
 */
abstract class ContentTest {
    static final String PASSWORD = "s3cret-of-carol";
    static final Duration SOON = Duration.ofSeconds(20);

    static final HttpClient http;
    static final Kafka kafka;
    static final StoredMail stored;
    static final GatewayProcess gateway;
    static final ApiKey key;
    static final ApiCaller api;

    // Once for all test classes; the process ends with this JVM.
    static {
        try {
            http = HttpClient.newHttpClient();
            Database database = DevStack.postgres().freshDatabase();
            kafka = DevStack.kafka(4);
            stored = StoredMail.in(database);
            key = ApiKey.issue(database, "content");
            gateway = GatewayProcess.start("gateway-content", "128m", database, kafka, GatewayProcess.TO_THIS_MACHINE);
            gateway.awaitReady(http);
            api = new ApiCaller(http, gateway.url(), Optional.of(key.text().reveal()));
        } catch (IOException | SQLException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    ImapStub stub;

    @AfterAll
    static void heapWasEnough() {
        assertThat(gateway.isAlive()).as("a heap of 128 MB was enough").isTrue();
    }

    @AfterEach
    void closeStub() {
        if (stub != null) {
            stub.close();
        }
    }

    static EmailId linked(AccountId account, long size, long uidValidity, long uid) {
        EmailId email = stored.bodiless(key.tenant(), account, size, Optional.empty(), Optional.empty());
        stored.link(key.tenant(), account, email, "INBOX", uidValidity, uid);
        return email;
    }

    static AccountId imapAccount(int port) {
        return account("""
                {"protocol": "imap", "email": "carol@example.com", "password": "%s",
                 "imap": {"host": "localhost", "port": %d, "tls": "none"}}""".formatted(PASSWORD, port));
    }

    static AccountId account(String body) {
        // Tests read from the same mailbox.
        Answer answer = api.call("POST", "/v1/accounts", body.replaceFirst("\\{", "{\"allowDuplicate\": true, "));
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(201);
        return AccountId.of(answer.json().get("id").asText());
    }

    static String path(AccountId account, EmailId email) {
        return "/v1/accounts/" + account + "/emails/" + email;
    }

    static HttpRequest request(String path) {
        // As browsers do. A compressed response would have another length.
        return api.request(path).header("Accept-Encoding", "gzip").timeout(SOON).build();
    }

    static HttpResponse<byte[]> download(String path) {
        try {
            return http.send(request(path), BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new AssertionError(path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    static String text(HttpResponse<byte[]> answer) {
        return new String(answer.body(), StandardCharsets.ISO_8859_1);
    }

    static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }
}
