package org.postbus.writer;

import io.smallrye.config.ConfigMapping;

/** What a writer process is told by its environment: {@code POSTBUS_DB_URL}, {@code POSTBUS_KAFKA} and so on. */
@ConfigMapping(prefix = "postbus")
public interface WriterConfig {
    Db db();

    /** Bootstrap servers, {@code host:port}. */
    String kafka();

    interface Db {
        /** {@code postgresql://host:port/database} */
        String url();

        String user();

        String password();
    }
}
