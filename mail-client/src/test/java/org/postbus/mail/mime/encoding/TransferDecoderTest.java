package org.postbus.mail.mime.encoding;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TransferDecoderTest {

    /** Pieces whose meaning depends on what follows. */
    private static final String[] PIECES = {
        "=",
        "=\r\n",
        "=3D",
        "=E",
        "4",
        " ",
        "\t",
        "  \r\n",
        "\r",
        "\n",
        "QUJD",
        "QQ==",
        "a",
        "\u00ff",
        "= \t\r\n",
        "=zz",
        "."
    };

    @Test
    void any_chunking_gives_the_same_result() {
        for (String name : new String[] {"base64", "Quoted-Printable", "8bit", "x-unknown"}) {
            for (int seed = 0; seed < 2_000; seed++) {
                // Given
                Random random = new Random(seed);
                byte[] encoded = encoded(random, random.nextInt(60));
                byte[] whole = TransferEncoding.of(name).decode(encoded, Integer.MAX_VALUE);

                // When
                byte[] decoded = inChunks(TransferDecoder.of(name), encoded, random, 7);

                // Then
                assertThat(decoded).as("%s, seed %d", name, seed).isEqualTo(whole);
            }
        }
    }

    @Test
    void a_line_without_end_is_not_held() {
        for (String unit : new String[] {"=41b c", "QUJD"}) {
            // Given
            String encoding = unit.startsWith("=") ? "quoted-printable" : "base64";
            byte[] encoded = unit.repeat(100_000).getBytes(StandardCharsets.ISO_8859_1);
            TransferDecoder decoder = TransferDecoder.of(encoding);

            // When
            byte[] early = decoder.decode(Arrays.copyOf(encoded, TransferDecoder.HELD_BYTES_MAX + 10));

            // Then
            assertThat(early).as(encoding).isNotEmpty();
            assertThat(inChunks(TransferDecoder.of(encoding), encoded, new Random(1), 5_000))
                    .isEqualTo(TransferEncoding.of(encoding).decode(encoded, Integer.MAX_VALUE));
        }
    }

    private static byte[] encoded(Random random, int pieces) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < pieces; i++) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] inChunks(TransferDecoder decoder, byte[] encoded, Random random, int chunkMax) {
        ByteArrayOutputStream decoded = new ByteArrayOutputStream();
        for (int at = 0; at < encoded.length; ) {
            int end = Math.min(encoded.length, at + 1 + random.nextInt(chunkMax));
            decoded.writeBytes(decoder.decode(Arrays.copyOfRange(encoded, at, end)));
            at = end;
        }
        decoded.writeBytes(decoder.end());
        return decoded.toByteArray();
    }
}
