//! A store over a store: what is written goes into a layer of its own, and vanishes with it.
//!
//! Reads see the layer first and what is under it then. It lies on the disk, sealed as everything
//! is, so that its size does not matter to the memory. Nothing of it is made durable: a layer that
//! a crash leaves behind is thrown away by the next. Invariant: the store under a layer is never
//! written through it.

use super::disk::Disk;
use super::open::{Options, found};
use super::scan::{Raw, Walk};
use super::{Health, Scan, Store, StoreError, Table, table};
use serde::de::DeserializeOwned;
use std::fs;
use std::sync::Arc;

/// Memory that pages of a layer may take.
const CACHE_BYTES: u64 = 48 * 1024 * 1024;

/// A layer over a store. Dropped, its files stay until the next layer; see [`Layer::remove`].
#[derive(Debug)]
pub struct Layer {
    store: Store,
}

impl Layer {
    /// The store that reads through.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Removes its files. All handles and scans of it have to be dropped before: while there are
    /// some, the files stay for the next layer to remove.
    ///
    /// # Errors
    /// The files cannot be removed.
    pub fn remove(self) -> Result<(), StoreError> {
        let Some(inner) = Arc::into_inner(self.store.inner) else {
            return Ok(());
        };
        let dir = inner.options.dir.clone();
        let slot = inner.disk.into_inner();
        let disk = slot.unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(disk) = disk.and_then(Arc::into_inner) {
            disk.close()?;
        }
        fs::remove_dir_all(&dir).map_err(|e| StoreError::io("removing a draft", &e))
    }
}

impl Store {
    /// An empty layer over this store. There is one at a time.
    ///
    /// # Errors
    /// Another one is open, or its files cannot be written.
    pub fn layer(&self) -> Result<Layer, StoreError> {
        let options = Options {
            dir: self.inner.options.dir.join("draft"),
            purpose: "making a plan".to_owned(),
            cache_bytes: CACHE_BYTES,
            schema: self.inner.options.schema,
            hook: None,
        };
        let lock = options.lock()?;
        let data = options.data();
        if data.exists() {
            fs::remove_dir_all(&data).map_err(|e| StoreError::io("removing a draft", &e))?;
        }
        let disk = Disk::open(&data, options.cache_bytes)?;
        let sealer = Arc::clone(&self.inner.sealer);
        found(&disk, options.schema.format, sealer.as_ref())?;
        let under = Some(self.clone());
        let store = Self::build(options, sealer, disk, lock, Health::Good, under)?;
        Ok(Layer { store })
    }

    /// The store under this one, if this is a layer.
    pub fn under(&self) -> Option<&Store> {
        self.inner.under.as_ref()
    }

    /// Records that were put into this layer itself, in key order.
    pub fn changed<V: DeserializeOwned>(&self, t: &Table<V>, prefix: &[u8]) -> Scan<V> {
        let from = table::record_key(t.id.prefix, prefix);
        let to = table::after_prefix(from.clone());
        Scan::new(t, Raw::of(self, vec![Walk::new(self, from..to)]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SealError, Sealer};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    struct Plain;

    impl Sealer for Plain {
        fn seal(&self, _: &str, _: &[u8], plain: &[u8]) -> Vec<u8> {
            plain.to_vec()
        }
        fn open(&self, _: &str, _: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
            Ok(sealed.to_vec())
        }
    }

    const T: Table<Vec<u8>> = Table::new(0x10, "things", 1);

    fn open(dir: &std::path::Path) -> Store {
        Store::open(&Options::new(dir, "test"), Arc::new(Plain)).unwrap()
    }

    fn put(store: &Store, key: &[u8], value: Option<&[u8]>) {
        let mut batch = store.batch();
        match value {
            Some(value) => batch.put(&T, key, &value.to_vec()),
            None => batch.delete(&T, key),
        }
        store.commit(batch).unwrap();
    }

    fn all(scan: Scan<Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>)> {
        scan.map(Result::unwrap).collect()
    }

    #[test]
    fn nothing_reaches_the_store_under_it_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let base = open(dir.path());
        let long = vec![7; 600 * 1024];
        put(&base, b"a", Some(b"1"));
        put(&base, b"b", Some(&long));
        let before = all(base.scan(&T, b""));
        let layer = base.layer().unwrap();
        assert!(base.layer().is_err());
        let over = layer.store().clone();
        assert_eq!(all(over.scan(&T, b"")), before);
        put(&over, b"a", None);
        put(&over, b"b", Some(b"short"));
        put(&over, b"c", Some(&long));
        assert_eq!(over.get(&T, b"a").unwrap(), None);
        assert!(!over.contains(&T, b"a").unwrap());
        assert_eq!(over.get(&T, b"b").unwrap().unwrap(), b"short");
        assert_eq!(over.get(&T, b"c").unwrap().unwrap(), long);
        assert_eq!(over.changed(&T, b"").count(), 2);
        assert_eq!(all(base.scan(&T, b"")), before);
        drop(over);
        layer.remove().unwrap();
        assert!(!dir.path().join("draft").exists());
        // What a crash leaves behind is not seen by the next.
        let left = base.layer().unwrap();
        put(left.store(), b"z", Some(b"left"));
        drop(left);
        let next = base.layer().unwrap();
        assert_eq!(all(next.store().scan(&T, b"")), before);
    }

    /// From where a scan is read, one letter per record.
    fn ends() -> impl Strategy<Value = Vec<bool>> {
        proptest::collection::vec(any::<bool>(), 12)
    }

    type Writes = Vec<(u8, Option<u8>)>;

    fn writes() -> impl Strategy<Value = Writes> {
        proptest::collection::vec((0u8..8, proptest::option::of(any::<u8>())), 0..10)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_layer_reads_as_if_it_had_been_written(
            under in writes(), over in writes(), ends in ends(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let base = open(dir.path());
            let mut model = BTreeMap::new();
            let mut write = |store: &Store, writes: &Writes| {
                for (key, value) in writes {
                    put(store, &[*key], value.as_ref().map(std::slice::from_ref));
                    match value {
                        Some(value) => model.insert(vec![*key], vec![*value]),
                        None => model.remove(&vec![*key]),
                    };
                }
            };
            write(&base, &under);
            let layer = base.layer().unwrap();
            write(layer.store(), &over);
            let mut expected: std::collections::VecDeque<_> = model.into_iter().collect();
            let mut scan = layer.store().scan(&T, b"");
            for front in ends {
                let (got, wanted) = if front {
                    (scan.next(), expected.pop_front())
                } else {
                    (scan.next_back(), expected.pop_back())
                };
                prop_assert_eq!(got.transpose().unwrap(), wanted);
            }
        }
    }
}
