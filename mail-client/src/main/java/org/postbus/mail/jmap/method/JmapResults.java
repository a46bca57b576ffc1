package org.postbus.mail.jmap.method;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/**
 * The outcomes of the calls of one {@link JmapRequest}. Each call succeeds or fails on its own.
 *
 * @param sessionState differs from the session's {@code state} when the session should be read again
 */
public record JmapResults(Map<String, Outcome> outcomes, String sessionState) {
    public JmapResults {
        outcomes = Map.copyOf(outcomes);
        Objects.requireNonNull(sessionState);
    }

    /** The outcome of one call. */
    public sealed interface Outcome {
        record Done(Object result) implements Outcome {}

        record Failed(ServerFailure failure) implements Outcome {}
    }

    /** @throws ServerException if this call failed */
    @SuppressWarnings("unchecked") // the codec put in what JmapMethod<R> says
    public <R> R get(JmapRequest.Call<R> call) {
        return switch (outcomes.get(call.id())) {
            case Outcome.Done(var result) -> (R) result;
            case Outcome.Failed(var failure) -> throw new ServerException(failure);
            case null -> throw new ServerException(unanswered(call));
        };
    }

    /** Why this call failed; empty if it did not. */
    public Optional<ServerFailure> failure(JmapRequest.Call<?> call) {
        return switch (outcomes.get(call.id())) {
            case Outcome.Done done -> Optional.empty();
            case Outcome.Failed(var failure) -> Optional.of(failure);
            case null -> Optional.of(unanswered(call));
        };
    }

    private static ServerFailure unanswered(JmapRequest.Call<?> call) {
        String text = "the server left " + call.method().name() + " unanswered";
        return call.method().changesSomething()
                ? new ServerFailure.OutcomeUnknown(text)
                : new ServerFailure.Unreachable(text);
    }
}
