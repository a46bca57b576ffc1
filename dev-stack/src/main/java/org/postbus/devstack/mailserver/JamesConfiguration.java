package org.postbus.devstack.mailserver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes the directory that James reads at its start. Mail is delivered locally or bounced; it never leaves this machine. Every port is
 * bound to 127.0.0.1, except JMAP's, which James 3.8.1 cannot restrict; therefore passwords must not be guessable.
 */
record JamesConfiguration(James.Ports ports, String keystorePassword) {
    /** @param directory James's working directory; the files go to {@code conf} in it */
    void writeTo(Path directory, Path log) throws IOException {
        Path conf = Files.createDirectories(directory.resolve("conf"));
        Files.writeString(conf.resolve("imapserver.xml"), imap());
        Files.writeString(conf.resolve("smtpserver.xml"), smtp());
        Files.writeString(conf.resolve("mailetcontainer.xml"), MAILETS);
        Files.writeString(conf.resolve("domainlist.xml"), DOMAINS);
        Files.writeString(conf.resolve("usersrepository.xml"), USERS);
        Files.writeString(conf.resolve("jmap.properties"), jmap());
        Files.writeString(
                conf.resolve("webadmin.properties"), "enabled=true\nhost=127.0.0.1\nport=" + ports.webAdmin() + "\n");
        Files.writeString(conf.resolve("jmx.properties"), "jmx.enabled=false\n");
        Files.writeString(conf.resolve("logback.xml"), LOGBACK);
        for (String unused : List.of("pop3server", "lmtpserver", "managesieveserver")) {
            Files.writeString(conf.resolve(unused + ".xml"), "<" + unused + "s/>\n");
        }
        Path keystore = conf.resolve("keystore");
        if (!Files.exists(keystore)) {
            SelfSignedCertificate.write(keystore, keystorePassword, log);
        }
    }

    private String imap() {
        return "<imapservers>" + imapServer("imap", ports.imap(), false) + imapServer("imaps", ports.imaps(), true)
                + "</imapservers>\n";
    }

    /** After {@code idleTimeInterval} James sends an untagged OK to an idling client, to keep the connection open. */
    private String imapServer(String name, int port, boolean tls) {
        return """
                <imapserver enabled="true">
                  <jmxName>%s</jmxName>
                  <bind>127.0.0.1:%d</bind>
                  <connectionBacklog>200</connectionBacklog>
                  %s
                  <connectionLimit>0</connectionLimit>
                  <connectionLimitPerIP>0</connectionLimitPerIP>
                  <idleTimeInterval>120</idleTimeInterval>
                  <idleTimeIntervalUnit>SECONDS</idleTimeIntervalUnit>
                  <enableIdle>true</enableIdle>
                  <inMemorySizeLimit>64M</inMemorySizeLimit>
                  <plainAuthDisallowed>false</plainAuthDisallowed>
                  <auth><plainAuthEnabled>true</plainAuthEnabled></auth>
                </imapserver>
                """.formatted(name, port, tls(tls));
    }

    private String tls(boolean fromFirstByte) {
        return """
                <tls socketTLS="%s" startTLS="%s">
                    <keystore>file://conf/keystore</keystore>
                    <keystoreType>PKCS12</keystoreType>
                    <secret>%s</secret>
                  </tls>""".formatted(fromFirstByte, !fromFirstByte, keystorePassword);
    }

    /** Serves as relay and submission port: without login only delivery to local users is allowed. */
    private String smtp() {
        return """
                <smtpservers>
                <smtpserver enabled="true">
                  <jmxName>smtp</jmxName>
                  <bind>127.0.0.1:%d</bind>
                  <connectionBacklog>200</connectionBacklog>
                  %s
                  <connectiontimeout>360</connectiontimeout>
                  <connectionLimit>0</connectionLimit>
                  <connectionLimitPerIP>0</connectionLimitPerIP>
                  <auth>
                    <announce>always</announce>
                    <requireSSL>false</requireSSL>
                    <plainAuthEnabled>true</plainAuthEnabled>
                  </auth>
                  <verifyIdentity>false</verifyIdentity>
                  <maxmessagesize>0</maxmessagesize>
                  <addressBracketsEnforcement>true</addressBracketsEnforcement>
                  <smtpGreeting>Postbus test server</smtpGreeting>
                  <handlerchain>
                    <handler class="org.apache.james.smtpserver.fastfail.ValidRcptHandler"/>
                    <handler class="org.apache.james.smtpserver.CoreCmdHandlerLoader"/>
                  </handlerchain>
                </smtpserver>
                </smtpservers>
                """.formatted(ports.smtp(), tls(false));
    }

    private String jmap() {
        return """
                enabled=true
                jmap.port=%d
                jmap.version.default=rfc-8621
                url.prefix=http://127.0.0.1:%d
                websocket.url.prefix=ws://127.0.0.1:%d
                authentication.strategy.rfc8621=BasicAuthenticationStrategy
                tls.keystoreURL=file://conf/keystore
                tls.keystoreType=PKCS12
                tls.secret=%s
                """.formatted(ports.jmap(), ports.jmap(), ports.jmap(), keystorePassword);
    }

    private static final String MAILETS = """
            <mailetcontainer enableJmx="false">
              <context><postmaster>postmaster@example.com</postmaster></context>
              <spooler><threads>4</threads><errorRepository>memory://var/mail/error/</errorRepository></spooler>
              <processors>
                <processor state="root" enableJmx="false">
                  <mailet match="All" class="PostmasterAlias"/>
                  <mailet match="RelayLimit=30" class="Null"/>
                  <mailet match="All" class="ToProcessor"><processor>transport</processor></mailet>
                </processor>
                <processor state="error" enableJmx="false">
                  <mailet match="All" class="ToRepository">
                    <repositoryPath>memory://var/mail/error/</repositoryPath>
                    <onMailetException>propagate</onMailetException>
                  </mailet>
                </processor>
                <processor state="transport" enableJmx="false">
                  <mailet match="All" class="RemoveMimeHeader"><name>bcc</name></mailet>
                  <mailet match="All" class="RecipientRewriteTable"/>
                  <mailet match="RecipientIsLocal" class="VacationMailet"/>
                  <mailet match="RecipientIsLocal" class="org.apache.james.jmap.mailet.filter.JMAPFiltering"/>
                  <mailet match="RecipientIsLocal" class="LocalDelivery"/>
                  <mailet match="All" class="Bounce"><attachment>none</attachment></mailet>
                  <mailet match="All" class="Null"/>
                </processor>
              </processors>
            </mailetcontainer>
            """;

    private static final String DOMAINS = """
            <domainlist class="org.apache.james.domainlist.memory.MemoryDomainList">
              <autodetect>false</autodetect>
              <autodetectIP>false</autodetectIP>
              <defaultDomain>localhost</defaultDomain>
            </domainlist>
            """;

    /** James checks the password in every JMAP request, hence a fast hash; the passwords are random or worthless. */
    private static final String USERS = """
            <usersrepository name="LocalUsers">
              <algorithm>SHA-512</algorithm>
              <enableVirtualHosting>true</enableVirtualHosting>
              <enableForwarding>true</enableForwarding>
            </usersrepository>
            """;

    private static final String LOGBACK = """
            <configuration>
              <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
                <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{15} %msg%n%ex{5}</pattern></encoder>
              </appender>
              <root level="WARN"><appender-ref ref="console"/></root>
              <!-- It warns about optional files that are missing. -->
              <logger name="org.apache.james.server.core.configuration.FileConfigurationProvider" level="ERROR"/>
            </configuration>
            """;
}
