package org.postbus.bench.measure;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FiguresTest {
    @Test
    void a_percentile_is_one_of_the_values() {
        double[] values = {5, 1, 4, 2, 3};

        assertThat(Figures.percentile(values, 50)).isEqualTo(3);
        assertThat(Figures.percentile(values, 99)).isEqualTo(5);
        assertThat(Figures.percentile(new double[] {7}, 50)).isEqualTo(7);
    }
}
