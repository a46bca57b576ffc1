package org.postbus.gateway.mail;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.postbus.gateway.Caller;
import org.postbus.gateway.PathIds;
import org.postbus.model.Mailbox;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "mail")
public class MailboxesResource {
    private final Caller caller;
    private final MailQueries queries;

    MailboxesResource(Caller caller, MailQueries queries) {
        this.caller = caller;
        this.queries = queries;
    }

    record Mailboxes(List<Mailbox> list) {}

    @GET
    @Path("/accounts/{accountId}/mailboxes")
    @Operation(
            summary = "All mailboxes of an account",
            description = "RFC 8621 section 2, with path. The counts are the mail server's.")
    public Uni<Mailboxes> list(@PathParam("accountId") String accountId) {
        return queries.mailboxes(caller.tenant(), PathIds.account(accountId)).map(Mailboxes::new);
    }
}
