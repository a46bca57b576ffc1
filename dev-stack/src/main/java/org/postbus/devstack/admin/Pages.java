package org.postbus.devstack.admin;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.postbus.devstack.client.PostbusApi;

/** Lists that the API serves in pages. */
final class Pages {
    private static final int SIZE = 500;

    private Pages() {}

    static List<JsonNode> all(PostbusApi api, String path) {
        List<JsonNode> items = new ArrayList<>();
        each(api, path, "cursor", items::add);
        return items;
    }

    /** @param position the parameter that continues a list after the value of {@code next} */
    static void each(PostbusApi api, String path, String position, Consumer<JsonNode> item) {
        String next = "";
        while (true) {
            JsonNode page =
                    Admin.expect(api.get(path + (path.contains("?") ? "&" : "?") + "limit=" + SIZE + next), 200);
            page.path("list").forEach(item);
            if (!page.hasNonNull("next")) {
                return;
            }
            next = "&" + position + "=" + URLEncoder.encode(page.get("next").asText(), StandardCharsets.UTF_8);
        }
    }
}
