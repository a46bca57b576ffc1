package org.postbus.gateway.problem;

import java.util.ArrayList;
import java.util.List;
import org.postbus.gateway.problem.Problem.Violation;

/**
 * Collects the violations of one request, so that a caller sees them at once: the first {@value #SHOWN_MAX} are kept, the others are
 * counted. Memory and time stay small however many errors a body has. Not thread-safe.
 */
public final class Violations {
    public static final int SHOWN_MAX = 50;

    private final List<Violation> shown = new ArrayList<>();
    private int count;

    public void add(Violation violation) {
        count++;
        if (shown.size() < SHOWN_MAX) {
            shown.add(violation);
        }
    }

    /** Of all, including those that are not kept. */
    public int count() {
        return count;
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /** The kept ones; then, if there were more, one that says how many. */
    public List<Violation> list() {
        if (count <= SHOWN_MAX) {
            return List.copyOf(shown);
        }
        List<Violation> all = new ArrayList<>(shown);
        all.add(more(count - SHOWN_MAX));
        return List.copyOf(all);
    }

    /** @throws ProblemException 422 if there is a violation */
    public void throwIfAny() {
        if (!isEmpty()) {
            throw Problem.invalid(list());
        }
    }

    static List<Violation> limited(List<Violation> violations) {
        if (violations.size() <= SHOWN_MAX + 1) {
            return violations;
        }
        Violations limited = new Violations();
        violations.forEach(limited::add);
        return limited.list();
    }

    private static Violation more(int number) {
        return Violation.at("and " + number + " more");
    }
}
