package org.postbus.gateway.account;

/** Example requests in the OpenAPI document. */
final class RequestExamples {
    static final String ACCOUNT = """
            {"protocol": "imap", "email": "alice@example.com", "username": "alice@example.com", "password": "secret",
             "imap": {"host": "imap.example.com", "port": 993, "tls": "tls"},
             "smtp": {"host": "smtp.example.com", "port": 465, "tls": "tls"}}""";

    static final String ACCOUNT_PATCH = """
            {"password": "another", "status": "active", "imap": {"port": 143, "tls": "starttls"}}""";

    private RequestExamples() {}
}
