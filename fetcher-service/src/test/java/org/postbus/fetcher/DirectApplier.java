package org.postbus.fetcher;

import io.vertx.core.Vertx;
import java.time.Clock;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.Role;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.TimeOrderedIds;
import org.postbus.writer.ingest.ObservationDecoder;
import org.postbus.writer.table.Database;

/** The writer's way from a record's value to committed rows, without Kafka: for tests of what is observed. */
public final class DirectApplier implements AutoCloseable {
    private final Database database;
    private final BatchApplier applier;
    private final Clock clock = Clock.systemUTC();

    public DirectApplier(Vertx vertx, org.postbus.devstack.postgres.Database postgres) {
        database = Database.connect(vertx, postgres.url(), Role.WRITER.user(), postgres.password(Role.WRITER));
        applier = new BatchApplier(database, new TimeOrderedIds(clock));
    }

    public static ObservationBatch decode(byte[] json) {
        return ObservationDecoder.decode(json);
    }

    /**
     * @return whether it was applied; else it was of an older fence, or its account is gone
     * @throws IllegalStateException if there is a gap before it, or it came twice
     */
    public boolean apply(ObservationBatch batch) {
        return switch (applier.apply(batch, clock.instant())) {
            case BatchApplier.Outcome.Applied applied -> true;
            case BatchApplier.Outcome.Stale stale -> false;
            case BatchApplier.Outcome.AccountGone gone -> false;
            case BatchApplier.Outcome.Duplicate duplicate ->
                throw new IllegalStateException("came twice: " + batch.seq());
            case BatchApplier.Outcome.Gap gap -> throw new IllegalStateException("a gap before " + batch.seq());
        };
    }

    @Override
    public void close() {
        database.close();
    }
}
