package org.postbus.fetcher;

import io.vertx.core.Vertx;
import io.vertx.pgclient.SslMode;
import java.time.Clock;
import java.util.Optional;
import org.postbus.devstack.postgres.Role;
import org.postbus.kit.sql.PostgresSettings;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.TimeOrderedIds;
import org.postbus.writer.ingest.ObservationDecoder;
import org.postbus.writer.table.WriterDatabase;

/** Decodes and applies batches as the writer does, without Kafka. For tests that check what a fetcher's observations amount to. */
public final class DirectApplier implements AutoCloseable {
    private final WriterDatabase database;
    private final BatchApplier applier;
    private final Clock clock = Clock.systemUTC();

    public DirectApplier(Vertx vertx, org.postbus.devstack.postgres.Database postgres) {
        database = WriterDatabase.connect(
                vertx,
                new PostgresSettings(
                        postgres.url(),
                        Role.WRITER.user(),
                        Optional.of(postgres.password(Role.WRITER)),
                        SslMode.DISABLE,
                        Optional.empty(),
                        false));
        applier = new BatchApplier(database.transactions(), new TimeOrderedIds(clock));
    }

    public static ObservationBatch decode(byte[] json) {
        return ObservationDecoder.decode(json);
    }

    /**
     * @return whether it was applied; otherwise its claim has been superseded or its account deleted
     * @throws IllegalStateException if batches before it are missing, or it is a duplicate
     */
    public boolean apply(ObservationBatch batch) {
        return switch (applier.apply(batch, clock.instant())) {
            case BatchApplier.Outcome.Applied applied -> true;
            case BatchApplier.Outcome.AppliedInPart part -> apply(batch);
            case BatchApplier.Outcome.Stale stale -> false;
            case BatchApplier.Outcome.AccountGone gone -> false;
            case BatchApplier.Outcome.Duplicate duplicate ->
                throw new IllegalStateException("a duplicate: seq " + batch.seq());
            case BatchApplier.Outcome.Gap gap ->
                throw new IllegalStateException("batches are missing before seq " + batch.seq());
        };
    }

    @Override
    public void close() {
        database.close();
    }
}
