package org.postbus.mail.jmap.method;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Several method calls in one HTTP request, done in order; a later one may use an earlier one's result. Not thread-safe.
 *
 * <pre>{@code
 * var request = new JmapRequest();
 * var page = request.add(new EmailQuery(new QueryStart.Position(0), 100));
 * var emails = request.add(new EmailGet(page.result("/ids"), Optional.of(bodies)));
 * client.send(request).map(results -> results.get(emails));
 * }</pre>
 */
public final class JmapRequest {
    private final List<Call<?>> calls = new ArrayList<>();

    /** One call of a request; a later call can refer to its result. */
    public record Call<R>(String id, JmapMethod<R> method) {
        public Call {
            Objects.requireNonNull(id);
            Objects.requireNonNull(method);
        }

        /** The ids at {@code path} of this call's result, such as {@code /ids} or {@code /updated}. */
        public JmapMethod.Ids result(String path) {
            return new JmapMethod.Ids.ResultOf(reference(path));
        }

        /** The value at {@code path} of this call's result. */
        public JmapMethod.ResultReference reference(String path) {
            return new JmapMethod.ResultReference(id, method.name(), path);
        }
    }

    public <R> Call<R> add(JmapMethod<R> method) {
        var call = new Call<>("c" + calls.size(), method);
        calls.add(call);
        return call;
    }

    /** Whether the server may have changed something if the answer is lost. */
    public boolean changesSomething() {
        return calls.stream().anyMatch(call -> call.method().changesSomething());
    }

    public List<Call<?>> calls() {
        return List.copyOf(calls);
    }
}
