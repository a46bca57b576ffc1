package org.postbus.gateway.it;

import com.tngtech.archunit.core.domain.JavaMethod;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.postbus.architecture.PackageRules;
import org.postbus.gateway.body.BodyOctetsMax;

/**
 * A route whose requests may have a body, as the code declares it, so that a new route is tested without being named.
 *
 * @param mediaTypes that it takes; empty if it ignores the body
 */
record BodyRoute(String method, String path, List<String> mediaTypes, int octetsMax) {
    private static final List<Class<? extends Annotation>> METHODS =
            List.of(POST.class, PATCH.class, PUT.class, DELETE.class);

    static List<BodyRoute> all() {
        return PackageRules.classesOf("org.postbus.gateway").stream()
                .flatMap(type -> type.getMethods().stream())
                .filter(method -> METHODS.stream().anyMatch(method::isAnnotatedWith))
                .map(JavaMethod::reflect)
                .map(BodyRoute::of)
                .toList();
    }

    private static BodyRoute of(Method method) {
        String verb = METHODS.stream()
                .filter(method::isAnnotationPresent)
                .findFirst()
                .orElseThrow()
                .getSimpleName();
        String path = Stream.of(method.getDeclaringClass().getAnnotation(Path.class), method.getAnnotation(Path.class))
                .flatMap(part -> Optional.ofNullable(part).stream())
                .map(Path::value)
                .reduce("", String::concat);
        boolean reads = Stream.of(method.getParameterTypes()).anyMatch(byte[].class::equals);
        return new BodyRoute(
                verb,
                path,
                reads ? List.of(method.getAnnotation(Consumes.class).value()) : List.of(),
                Optional.ofNullable(method.getAnnotation(BodyOctetsMax.class))
                        .map(BodyOctetsMax::value)
                        .orElse(BodyOctetsMax.DEFAULT));
    }

    boolean isJson() {
        return mediaTypes.isEmpty() || mediaTypes.getFirst().endsWith("json");
    }

    String mediaType() {
        return mediaTypes.isEmpty() ? ApiCaller.JSON : mediaTypes.getFirst();
    }

    @Override
    public String toString() {
        return method + " " + path + " " + mediaTypes;
    }
}
