//! The story of a history, as it is told when it ends badly.

use super::*;

impl Inner {
    /// A line of the story; ids of chance become numbers in order of appearance.
    pub fn tell(&mut self, text: String) {
        let mut told = String::new();
        for word in text.split_inclusive(ENDS) {
            let bare = word.trim_end_matches(ENDS);
            if bare.len() == 36 && bare.matches('-').count() == 4 {
                let next = self.names.len();
                let number = *self.names.entry(bare.to_owned()).or_insert(next);
                told.push_str(&format!("#{number}{}", &word[bare.len()..]));
            } else {
                told.push_str(word);
            }
        }
        let seconds = self.now as f64 / 1_000.0 - 1_800_000_000.0;
        self.trace.push(format!("{seconds:9.3} {told}"));
    }

    pub(super) fn told(&self, one: &One) -> String {
        let text = |fields: &Fields| {
            let each = fields.iter().map(|(name, value)| match name.as_str() {
                notes::THERE => format!("{name}={:?} ", notes::told(&value.to_string())),
                _ => format!("{name}={value} "),
            });
            each.collect::<String>()
        };
        match one {
            One::Create(fields) => format!("create {}", text(fields)),
            One::Update(id, fields, since) => {
                let since = since.map(|s| s.as_second() - 1_800_000_000);
                format!("update {id} {}if {since:?}", text(fields))
            }
            One::Delete(id) => format!("delete {id}"),
        }
    }

    /// Notes the first thing that is not as it must be.
    pub fn breaks(&mut self, invariant: &'static str, what: String) {
        self.tell(format!("BROKEN {invariant}: {what}"));
        self.broken.get_or_insert(Broken::new(invariant, what));
    }
}
