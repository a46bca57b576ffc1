package org.postbus.mail.jmap;

/** Writes requests and reads responses: pure. */
final class JmapCodec {
    private JmapCodec() {}

    static String name(JmapMethod<?> method) {
        return switch (method) {
            case JmapMethod.MailboxGet get -> "Mailbox/get";
            case JmapMethod.MailboxChanges changes -> "Mailbox/changes";
            case JmapMethod.EmailQuery query -> "Email/query";
            case JmapMethod.EmailGet get -> "Email/get";
            case JmapMethod.EmailStateGet get -> "Email/get";
            case JmapMethod.EmailChanges changes -> "Email/changes";
            case JmapMethod.EmailSet set -> "Email/set";
        };
    }
}
