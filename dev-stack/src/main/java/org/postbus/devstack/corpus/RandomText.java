package org.postbus.devstack.corpus;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;

/** Words, paragraphs and tokens from one source of random numbers. The order of calls decides the result. */
final class RandomText {
    /** RFC 5322 section 2.1.1 recommends 78; text is wrapped a little before it. */
    private static final int LINE_LENGTH = 72;

    private final Random random;

    RandomText(Random random) {
        this.random = random;
    }

    String paragraphs(Language language, int size) {
        StringBuilder text = new StringBuilder();
        int line = 0;
        int bytes = 0;
        while (bytes < size) {
            String word = language.words().get(random.nextInt(language.words().size()));
            if (line + word.length() > LINE_LENGTH) {
                text.append(random.nextInt(6) == 0 ? "\n\n" : "\n");
                line = 0;
            } else if (line > 0) {
                text.append(' ');
                line++;
            }
            text.append(word);
            line += word.length();
            bytes += word.getBytes(language.charset()).length + 1;
        }
        return text.append('\n').toString();
    }

    String words(Language language, int number) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < number; i++) {
            words.add(language.words().get(random.nextInt(language.words().size())));
        }
        return String.join(" ", words);
    }

    String hex(int length) {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append(Character.forDigit(random.nextInt(16), 16));
        }
        return text.toString();
    }

    String base64Line(int bytes) {
        byte[] noise = new byte[bytes];
        random.nextBytes(noise);
        return Base64.getEncoder().encodeToString(noise);
    }
}
