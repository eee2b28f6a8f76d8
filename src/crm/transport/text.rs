//! Text from outside, made fit for an error message.
//!
//! Does not decide what may be shown where; screens still escape. Invariant: the result has no
//! control characters but line breaks and is never longer than asked for.

/// Drops control characters other than line breaks and cuts at a number of characters.
pub fn tidy(text: &str, max: usize) -> String {
    let mut clean = text
        .trim()
        .chars()
        .filter(|c| *c == '\n' || !c.is_control());
    let mut out: String = clean.by_ref().take(max).collect();
    if clean.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_cleans() {
        assert_eq!(tidy(" a\u{1b}[2Jb\r\nc ", 50), "a[2Jb\nc");
        assert_eq!(tidy("äöüß", 4), "äöüß");
        assert_eq!(tidy("äöüßx", 4), "äöü…");
    }
}
