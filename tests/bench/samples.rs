//! What was measured of one program in one case, and the few figures that say how it is distributed.

/// Values in the order of the rounds, at least one.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn median(&self) -> f64 {
        self.quartile(2)
    }

    /// The first, second or third, by nearest rank.
    pub fn quartile(&self, quarter: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) * quarter + 2) / 4]
    }

    /// Round by round: what slows one program down for a while slows the other one in the same round, too.
    pub fn ratios(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(own, other)| own / other).collect())
    }
}
