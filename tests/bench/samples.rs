//! The measured values of one program in one case, their median and quartiles.

/// At least one value, in the order of the rounds.
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

    /// The first, second or third quartile, by nearest rank.
    pub fn quartile(&self, quarter: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) * quarter + 2) / 4]
    }

    /// The ratios of the values of each round: a busy machine slows down both programs of a round alike.
    pub fn ratios(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(own, other)| own / other).collect())
    }
}
