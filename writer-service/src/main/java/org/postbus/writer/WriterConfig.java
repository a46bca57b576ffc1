package org.postbus.writer;

import io.smallrye.config.ConfigMapping;

/** The configuration of a writer process, from environment variables such as {@code POSTBUS_DB_URL} and {@code POSTBUS_KAFKA}. */
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
