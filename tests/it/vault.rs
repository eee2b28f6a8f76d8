//! The vault, from outside: what opens it, what does not, and what a cut-off change leaves.

use secrecy::SecretString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use syncdeck::vault::{
    DataKey, Protection, Recipient, Status, Unlock, Vault, VaultError, WorkFactor,
};

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn quick() -> WorkFactor {
    WorkFactor::new(2)
}

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(secret(text))
}

/// Two handles on the same key open each other's values.
fn same(a: &DataKey, b: &DataKey) -> bool {
    b.open("t", b"k", &a.seal("t", b"k", b"value")).as_deref() == Ok(b"value".as_slice())
}

fn dir() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let vault = temp.path().join("profile/vault");
    (temp, vault)
}

fn identity_in(dir: &Path) -> Unlock {
    Unlock::IdentityFile(dir.join("identity.txt"))
}

#[test]
fn an_identity_file_opens_it_and_is_ours_alone() {
    let (_temp, dir) = dir();
    let (vault, key) = Vault::create(&dir, Protection::IdentityFile).unwrap();
    assert!(same(&key, &vault.unlock(&identity_in(&dir)).unwrap()));
    for name in ["identity.txt", "key.age", "recipients.txt"] {
        let mode = fs::metadata(dir.join(name)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
    let Status::Recipients(list) = vault.status().unwrap() else {
        panic!("it has a recipient");
    };
    assert!(list[0].as_str().starts_with("age1"));
    assert!(
        fs::read_to_string(dir.join("key.age"))
            .unwrap()
            .starts_with("-----BEGIN AGE")
    );

    let refused = Vault::create(&dir, Protection::IdentityFile).unwrap_err();
    assert_eq!(refused, VaultError::AlreadyThere(dir.join("key.age")));
    let again = Vault::open(&dir)
        .unwrap()
        .unlock(&identity_in(&dir))
        .unwrap();
    assert!(same(&key, &again), "nothing was written over");
}

#[test]
fn an_identity_that_others_may_read_is_refused() {
    let (_temp, dir) = dir();
    let (vault, _) = Vault::create(&dir, Protection::IdentityFile).unwrap();
    let path = vault.identity_path();
    for mode in [0o644, 0o640, 0o620, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = vault.unlock(&identity_in(&dir)).unwrap_err();
        let wanted = VaultError::Permissions {
            path: path.clone(),
            mode,
        };
        assert_eq!(refused, wanted);
        assert!(refused.remedy().contains("chmod 600"));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    vault.unlock(&identity_in(&dir)).unwrap();
}

#[test]
fn another_identity_does_not_fit() {
    let (_a, dir) = dir();
    let other = tempfile::tempdir().unwrap();
    let other = other.path().join("vault");
    let (vault, _) = Vault::create(&dir, Protection::IdentityFile).unwrap();
    Vault::create(&other, Protection::IdentityFile).unwrap();
    let refused = vault.unlock(&identity_in(&other)).unwrap_err();
    assert_eq!(refused, VaultError::NoMatch(other.join("identity.txt")));
    assert_eq!(
        vault.unlock(&passphrase("x")).unwrap_err(),
        VaultError::NeedsIdentity
    );
    let error = syncdeck::error::Error::from(refused);
    assert_eq!(error.kind(), syncdeck::error::Kind::Vault);
    assert!(error.remedy().is_some());
}

#[test]
fn a_passphrase_opens_it_and_can_change() {
    let (_temp, dir) = dir();
    let first = Protection::Passphrase(secret("seven green boats"), quick());
    let (vault, key) = Vault::create(&dir, first).unwrap();
    assert_eq!(vault.status().unwrap(), Status::Passphrase);
    assert!(same(
        &key,
        &vault.unlock(&passphrase("seven green boats")).unwrap()
    ));
    assert_eq!(
        vault.unlock(&passphrase("seven red boats")).unwrap_err(),
        VaultError::WrongPassphrase
    );
    assert_eq!(
        vault.unlock(&identity_in(&dir)).unwrap_err(),
        VaultError::NeedsPassphrase
    );

    vault
        .change_passphrase(&key, &secret("eight old doors"), quick())
        .unwrap();
    assert!(same(
        &key,
        &vault.unlock(&passphrase("eight old doors")).unwrap()
    ));
    assert_eq!(
        vault.unlock(&passphrase("seven green boats")).unwrap_err(),
        VaultError::WrongPassphrase
    );

    let empty = vault.change_passphrase(&key, &secret(""), quick());
    assert_eq!(empty.unwrap_err(), VaultError::EmptyPassphrase);
    assert!(same(
        &key,
        &vault.unlock(&passphrase("eight old doors")).unwrap()
    ));
}

#[test]
fn a_change_that_was_cut_off_leaves_the_old_one_valid() {
    let (_temp, dir) = dir();
    let (vault, key) = Vault::create(&dir, Protection::IdentityFile).unwrap();
    // As a crash between writing and renaming leaves it: half a file beside the real one.
    fs::write(
        dir.join("key.new"),
        "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl",
    )
    .unwrap();
    assert!(same(&key, &vault.unlock(&identity_in(&dir)).unwrap()));
    vault
        .change_passphrase(&key, &secret("pp"), quick())
        .unwrap();
    assert!(same(&key, &vault.unlock(&passphrase("pp")).unwrap()));
    assert!(!dir.join("key.new").exists());

    // A directory in the way makes the change fail before the rename.
    fs::create_dir(dir.join("key.new")).unwrap();
    let refused = vault
        .change_passphrase(&key, &secret("qq"), quick())
        .unwrap_err();
    assert!(matches!(refused, VaultError::Io { .. }));
    assert!(same(&key, &vault.unlock(&passphrase("pp")).unwrap()));
}

#[test]
fn recipients_change_and_their_list_is_repaired() {
    let (_temp, dir) = dir();
    let (vault, key) = Vault::create(&dir, Protection::IdentityFile).unwrap();
    let other = tempfile::tempdir().unwrap();
    let (colleague, _) = Vault::create(other.path(), Protection::IdentityFile).unwrap();
    let list = |vault: &Vault| match vault.status().unwrap() {
        Status::Recipients(list) => list,
        other => panic!("{other:?}"),
    };
    let both = [list(&vault), list(&colleague)].concat();
    vault.change_recipients(&key, &both).unwrap();
    assert!(same(
        &key,
        &vault.unlock(&identity_in(other.path())).unwrap()
    ));
    assert!(same(&key, &vault.unlock(&identity_in(&dir)).unwrap()));

    fs::write(dir.join("recipients.txt"), "# stale\n").unwrap();
    vault.unlock(&identity_in(&dir)).unwrap();
    assert_eq!(list(&vault), both);

    vault.change_recipients(&key, &both[1..]).unwrap();
    assert!(matches!(
        vault.unlock(&identity_in(&dir)),
        Err(VaultError::NoMatch(_))
    ));
    assert!(same(
        &key,
        &vault.unlock(&identity_in(other.path())).unwrap()
    ));
    assert_eq!(
        vault.change_recipients(&key, &[]).unwrap_err(),
        VaultError::NoRecipients
    );
}

/// Makes a key with ssh-keygen; `None` where that program is not installed.
fn ssh_key(dir: &Path, kind: &str, passphrase: &str) -> Option<PathBuf> {
    let path = dir.join(format!("id_{kind}_{}", passphrase.len()));
    let done = Command::new("ssh-keygen")
        .args([
            "-q",
            "-t",
            kind,
            "-b",
            "2048",
            "-N",
            passphrase,
            "-C",
            "a comment",
            "-f",
        ])
        .arg(&path)
        .status();
    done.is_ok_and(|status| status.success()).then_some(path)
}

#[test]
fn ssh_keys_open_it() {
    let keys = tempfile::tempdir().unwrap();
    for kind in ["ed25519", "rsa"] {
        for phrase in ["", "of the key"] {
            let Some(path) = ssh_key(keys.path(), kind, phrase) else {
                continue;
            };
            let (_temp, dir) = dir();
            let public = fs::read_to_string(path.with_extension("pub")).unwrap();
            let recipient = Recipient::parse(&public).unwrap();
            let (vault, key) =
                Vault::create(&dir, Protection::Recipients(vec![recipient])).unwrap();
            assert!(!vault.identity_path().exists());
            let own = (!phrase.is_empty()).then(|| secret(phrase));
            let opened = vault.unlock(&Unlock::SshKey(path.clone(), own)).unwrap();
            assert!(same(&key, &opened), "{kind}");
            assert!(
                vault
                    .recovery_text()
                    .unwrap()
                    .contains(&format!("ssh-{kind}"))
            );
            if !phrase.is_empty() {
                let refused = vault
                    .unlock(&Unlock::SshKey(path.clone(), None))
                    .unwrap_err();
                assert_eq!(refused, VaultError::SshKeyLocked(path.clone()));
                let wrong = Unlock::SshKey(path, Some(secret("of another")));
                assert_eq!(
                    vault.unlock(&wrong).unwrap_err(),
                    VaultError::WrongPassphrase
                );
            }
        }
    }
}

#[test]
fn every_damaged_byte_is_noticed() {
    let (_temp, dir) = dir();
    let (vault, key) = Vault::create(&dir, Protection::IdentityFile).unwrap();
    let path = dir.join("key.age");
    let good = fs::read(&path).unwrap();
    for index in (0..good.len()).step_by(3) {
        let mut bad = good.clone();
        bad[index] ^= 0x01;
        fs::write(&path, &bad).unwrap();
        // A flip may leave the armour meaning the same; then it must be the same key.
        match vault.unlock(&identity_in(&dir)) {
            Ok(opened) => assert!(same(&key, &opened), "byte {index}"),
            Err(VaultError::Damaged(at)) => assert_eq!(at, path),
            Err(VaultError::NoMatch(_)) => {}
            Err(other) => panic!("byte {index}: {other:?}"),
        }
    }
    for length in [0, 10, good.len() / 2, good.len() - 40] {
        fs::write(&path, &good[..length]).unwrap();
        assert_eq!(
            vault.unlock(&identity_in(&dir)).unwrap_err(),
            VaultError::Damaged(path.clone())
        );
    }
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let (_temp, dir) = dir();
    assert_eq!(
        Vault::open(&dir).unwrap_err(),
        VaultError::Missing(dir.clone())
    );
    let (vault, _) = Vault::create(&dir, Protection::IdentityFile).unwrap();
    let nowhere = dir.join("nowhere");
    let refused = vault
        .unlock(&Unlock::IdentityFile(nowhere.clone()))
        .unwrap_err();
    assert!(matches!(refused, VaultError::Io { path, .. } if path == nowhere));
    let identity = vault.identity_path();
    let text = fs::read_to_string(&identity).unwrap();
    for bad in ["", "# nothing\n", "AGE-SECRET-KEY-1QQ\n", "\u{0}\u{1}"] {
        fs::write(&identity, bad).unwrap();
        let refused = vault.unlock(&identity_in(&dir)).unwrap_err();
        assert_eq!(refused, VaultError::Damaged(identity.clone()));
    }
    assert!(matches!(
        Recipient::parse("age1nonsense"),
        Err(VaultError::BadRecipient(_))
    ));
    let pasted = Recipient::parse(text.lines().last().unwrap()).unwrap_err();
    assert!(!pasted.to_string().contains("AGE-SECRET"), "{pasted}");
    assert!(vault.recovery_text().unwrap().contains("identity.txt"));
}

#[test]
fn nothing_secret_is_in_the_files_or_the_messages() {
    let (_temp, dir) = dir();
    let phrase = "unmistakable-passphrase";
    let (vault, key) =
        Vault::create(&dir, Protection::Passphrase(secret(phrase), quick())).unwrap();
    let known = DataKey::from_bytes([0x5a; 32]).unwrap();
    vault
        .change_passphrase(&known, &secret(phrase), quick())
        .unwrap();
    for entry in fs::read_dir(&dir).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(phrase));
        assert!(!text.contains("5a5a5a5a"));
        assert!(!text.contains("ZZZZZZZZ"));
    }
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        key,
        passphrase(phrase),
        Protection::Passphrase(secret(phrase), quick()),
        vault.unlock(&passphrase("wrong unmistakable"))
    );
    assert!(!shown.contains("unmistakable"), "{shown}");
}
