//! How many, for people.

/// A number with its word: `1 ref`, `2 refs`. The word takes an s.
#[must_use]
pub fn count(number: u64, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {word}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let told = [0, 1, 2].map(|number| count(number, "ref"));
        assert_eq!(told, ["0 refs", "1 ref", "2 refs"]);
    }
}
