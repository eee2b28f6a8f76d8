//! A history in which a backup takes the place of the store, and one in which the links of an org that
//! was left end, each with the end of the process somewhere in it (sync-semantics 22).
//!
//! Nothing else goes wrong. Invariant: all that was to be written when the backup was made is written
//! before it is put back, so that nothing of it is to be written again.

use syncdeck::domain::id::SyncKey;
use syncdeck::domain::record::LinkState;
use syncdeck::engine::tables::{RESTORED, Restored, UNPLACED};
use syncdeck::engine::view::Anew;

use super::*;
use crate::files::copy;
use crate::sim::engine::coverage::{CUT_OFF, LEFT_BEHIND, PUT_BACK};
use crate::sim::must;

/// Where a process ends at the latest, counted in writes.
const LATEST: u64 = 40;

impl World<'_> {
    /// Somebody makes a record in the App, with the key that it has from the first.
    fn makes(&self, number: usize) {
        let mut org = self.org.inner();
        org.texts += 1;
        let text = Value::text(format!("made here {number}"));
        let fields = [("last_name".into(), text.clone()), ("company".into(), text)];
        let sync_key = match org.switch {
            Switch::KeyIsLate => None,
            _ => Some(SyncKey::new(format!("made {number}"))),
        };
        let change = Change {
            table: "leads".into(),
            id: AppId::new(format!("made {number}")),
            expect: Expect::New,
            fields: fields.into(),
            presence: Presence::Live,
            sync_key,
            by: Author::Person(PERSON.into()),
            at: Timestamp::from_millisecond(org.now).unwrap(),
        };
        let mut tx = self.state().begin();
        tx.change_app(&"leads".into(), &change).unwrap();
        tx.commit(Durability::Now).unwrap();
    }

    /// What the org has of each lead.
    fn there(&self) -> BTreeMap<String, Vec<String>> {
        let org = self.org.inner();
        let values = |id: &String| FIELDS.map(|field| org.value(id, field)).to_vec();
        let leads = org.leads(false).into_iter();
        leads.map(|id| (id.clone(), values(&id))).collect()
    }

    /// The store of now, as somebody copies it.
    fn copied(&mut self) -> PathBuf {
        let to = self.dir.path().join("backup");
        let tx = self.state().begin();
        copy(&self.store(self.stores), &to);
        drop(tx);
        to
    }

    /// Goes on with the copy. What a start does with a store that was put back is done here: the pair
    /// waits, and a person lets it be compared.
    fn puts_back(&mut self, copied: &Path) {
        self.people.state.lock().unwrap().take();
        self.people.forget();
        drop(self.state.take());
        self.stores += 2;
        copy(copied, &self.store(self.stores));
        self.open();
        let stage = match self.org.inner().switch {
            Switch::BackupIsTrusted => return people::new_version(self.state()).map(drop).unwrap(),
            _ => Restored::Waits,
        };
        self.is_at(&stage);
        self.org.inner().coverage.met(PUT_BACK.to_owned());
    }

    fn is_at(&self, stage: &Restored) {
        let mut tx = self.state().begin();
        tx.put(&RESTORED, &Key::new().text("leads"), stage);
        tx.commit(Durability::Now).unwrap();
    }

    /// A run in which the process ends at a write; false when the run was over before.
    fn is_cut_off(&mut self, at: u64) -> bool {
        self.org.inner().pass(LATE * 1_000);
        let end = self.disk.applies.load(Ordering::SeqCst) + at;
        self.disk.end_at.store(end, Ordering::SeqCst);
        let disk = Arc::clone(&self.disk);
        self.run(Job::Sync);
        let cut = disk.dead.load(Ordering::SeqCst);
        if cut {
            self.org.inner().coverage.met(CUT_OFF.to_owned());
        }
        cut
    }

    /// A backup is put back after more was done, and is compared.
    pub fn is_put_back(&mut self) -> Result<(), Broken> {
        self.org.inner().calm();
        for _ in 0..3 {
            self.org.inner().colleague_makes();
        }
        self.runs(Job::Sync);
        self.edits();
        self.makes(1);
        let copied = self.copied();
        self.runs(Job::Sync);
        self.edits();
        self.makes(2);
        self.runs(Job::Sync);
        let before = self.there();
        self.puts_back(&copied);
        let at = 1 + self.org.inner().random.below(LATEST as usize) as u64;
        self.is_cut_off(at);
        for _ in 0..2 {
            self.runs(Job::Sync);
        }
        let after = self.there();
        let number = after.len();
        must!(number == before.len(), "I6", "{before:?} became {after:?}");
        let here = app_records(self.state()).len();
        must!(here == number, "I6", "{here} in the App, {number} there");
        must!(after == before, "I3", "{before:?} became {after:?}");
        match self.org.inner().broken.clone() {
            Some(broken) => Err(broken),
            None => Ok(()),
        }
    }

    /// The links of the org that was left end, and are found again by our keys. The process ends at a
    /// write of that, if it comes so far. Gives whether it did, and how everything ended.
    pub fn leaves_its_org(&mut self, at: u64) -> (bool, Vec<String>) {
        self.org.inner().calm();
        for _ in 0..2 {
            self.org.inner().colleague_makes();
        }
        self.makes(1);
        self.makes(2);
        self.runs(Job::Sync);
        self.is_at(&Restored::Leaves(Anew::ByKey));
        self.org.inner().coverage.met(LEFT_BEHIND.to_owned());
        let cut = self.is_cut_off(at);
        for _ in 0..2 {
            self.runs(Job::Sync);
        }
        let state = self.state();
        let mut ended: Vec<String> = app_records(state)
            .iter()
            .map(|record| {
                let link = state.link(&"leads".into(), &record.id).unwrap().unwrap();
                let there = link.crm_id.map(|id| id.to_string());
                assert_eq!(there.is_some(), link.state == LinkState::Active);
                format!(
                    "{:?} {there:?} {:?}",
                    record.fields["last_name"],
                    link.bases.len()
                )
            })
            .collect();
        ended.sort();
        let unplaced = state.store().keys(&UNPLACED, &[]).count();
        ended.push(format!("{unplaced} not there, {:?}", self.there()));
        (cut, ended)
    }
}
