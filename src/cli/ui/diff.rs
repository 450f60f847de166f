//! The difference of two texts, line by line.

/// Beyond this number of pairs of lines, what differs is shown as a whole.
const PAIRS: usize = 1_000_000;

/// A line of one text or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Kept(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

/// How the old text becomes the new one, with the fewest lines removed and added.
pub(super) fn lines<'a>(old: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(one, other)| one == other).count();
    let mut all: Vec<_> = old[..head].iter().map(|line| Line::Kept(line)).collect();
    middle(&old[head..old.len() - tail], &new[head..new.len() - tail], &mut all);
    all.extend(old[old.len() - tail..].iter().map(|line| Line::Kept(line)));
    all
}

/// By the longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str], all: &mut Vec<Line<'a>>) {
    if old.len().saturating_mul(new.len()) > PAIRS {
        all.extend(old.iter().map(|line| Line::Removed(line)));
        all.extend(new.iter().map(|line| Line::Added(line)));
        return;
    }
    // The length of the longest one from these two lines on.
    let mut longest = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for one in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            longest[one][other] = if old[one] == new[other] {
                longest[one + 1][other + 1] + 1
            } else {
                longest[one + 1][other].max(longest[one][other + 1])
            };
        }
    }
    let (mut one, mut other) = (0, 0);
    while one < old.len() || other < new.len() {
        if one < old.len() && other < new.len() && old[one] == new[other] {
            all.push(Line::Kept(old[one]));
            (one, other) = (one + 1, other + 1);
        } else if other == new.len() || (one < old.len() && longest[one + 1][other] >= longest[one][other + 1]) {
            all.push(Line::Removed(old[one]));
            one += 1;
        } else {
            all.push(Line::Added(new[other]));
            other += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let line = |line: &Line<'_>| match line {
            Line::Kept(text) => format!(" {text}"),
            Line::Removed(text) => format!("-{text}"),
            Line::Added(text) => format!("+{text}"),
        };
        lines(old, new).iter().map(line).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn only_what_differs_is_removed_and_added() {
        #[rustfmt::skip]
        let table = [
            ("a\nb\nc",       "a\nb\nc",       " a| b| c"),
            ("a\nb\nc",       "a\nx\nc",       " a|-b|+x| c"),
            ("a\nc",          "a\nb\nc",       " a|+b| c"),
            ("a\nb\nc",       "",              "-a|-b|-c"),
            ("",              "a",             "+a"),
            ("a\na",          "a\na\na",       " a| a|+a"),
            ("p\ny\nz\nx\nq",  "p\nx\ny\nz\nq",  " p|+x| y| z|-x| q"),
            ("k\n1\nz\n2\ne", "k\nz\n3\n2\ne", " k|-1| z|+3| 2| e"),
        ];
        for (old, new, expected) in table {
            assert_eq!(shown(old, new), expected, "{old:?} -> {new:?}");
        }
    }

    #[test]
    fn what_is_too_long_to_compare_is_shown_as_a_whole() {
        let (old, new): (Vec<_>, Vec<_>) =
            ((0..2000).map(|n| format!("a{n}")).collect(), (0..2000).map(|n| format!("b{n}")).collect());
        let all = lines(&old.join("\n"), &new.join("\n")).len();
        assert_eq!(all, 4000);
    }
}
