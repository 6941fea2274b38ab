//! Certificates of a cluster.

use crate::{Result, layout::HOST};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SigningKey,
};
use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// Leaf certificates: file, common name, organisation, and the names and addresses of a server.
const LEAVES: &[(&str, &str, &str, &[&str])] = &[
    (
        "apiserver",
        "kube-apiserver",
        "",
        &["localhost", "kubernetes.default.svc", "127.0.0.1", HOST, "10.96.0.1", "10.97.0.1"],
    ),
    ("admin", "admin", "system:masters", &[]),
    ("to-kubelet", "apiserver", "system:masters", &[]),
    ("controller-manager", "system:kube-controller-manager", "", &[]),
    ("scheduler", "system:kube-scheduler", "", &[]),
    ("proxy", "system:kube-proxy", "", &[]),
    ("kubelet-1", "system:node:node-1", "system:nodes", &["node-1", "10.200.0.11"]),
    ("kubelet-2", "system:node:node-2", "system:nodes", &["node-2", "10.200.0.12"]),
    ("kubelet-3", "system:node:node-3", "system:nodes", &["node-3", "10.200.0.13"]),
];

/// Writes the CA, one certificate and key per leaf, and the service accounts' key pair.
pub fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let issuer = CertifiedIssuer::self_signed(ca(), KeyPair::generate()?)?;
    fs::write(folder.join("ca.crt"), issuer.pem())?;
    fs::write(folder.join("ca.key"), issuer.key().serialize_pem())?;
    for (file, name, organisation, served) in LEAVES {
        issue(folder, file, &leaf(name, organisation, served)?, &issuer)?;
    }
    let accounts = KeyPair::generate()?;
    fs::write(folder.join("accounts.key"), accounts.serialize_pem())?;
    fs::write(folder.join("accounts.pub"), accounts.public_key_pem())?;
    Ok(())
}

fn ca() -> CertificateParams {
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "windlass-bed");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    ca
}

fn leaf(name: &str, organisation: &str, served: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = served.iter().map(|name| (*name).into()).collect();
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, name);
    if !organisation.is_empty() {
        leaf.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(leaf)
}

fn issue(
    folder: &Path,
    file: &str,
    leaf: &CertificateParams,
    issuer: &Issuer<'_, impl SigningKey>,
) -> Result<()> {
    let key = KeyPair::generate()?;
    fs::write(folder.join(format!("{file}.crt")), leaf.signed_by(&key, issuer)?.pem())?;
    Ok(fs::write(folder.join(format!("{file}.key")), key.serialize_pem())?)
}

/// Issues `file`, for an admin and for a server on loopback, with `until` as the end of its validity.
pub fn expiring(folder: &Path, file: &str, until: SystemTime) -> Result<()> {
    let issuer = Issuer::new(ca(), KeyPair::from_pem(&fs::read_to_string(folder.join("ca.key"))?)?);
    let mut leaf = leaf("admin", "system:masters", &["127.0.0.1"])?;
    leaf.not_after = rcgen::date_time_ymd(1970, 1, 1) + until.duration_since(UNIX_EPOCH)?;
    issue(folder, file, &leaf, &issuer)
}

/// Writes a kubeconfig with its certificates and key inside, so that the file can be copied anywhere.
pub fn kubeconfig(pki: &Path, leaf: &str, server: &str, to: &Path) -> Result<()> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let data = |file: &str| fs::read(pki.join(file)).map(|bytes| STANDARD.encode(bytes));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: bed\n\
         clusters:\n- name: bed\n  cluster:\n    server: {server}\n    certificate-authority-data: {}\n\
         users:\n- name: {leaf}\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n\
         contexts:\n- name: bed\n  context:\n    cluster: bed\n    user: {leaf}\n",
        data("ca.crt")?,
        data(&format!("{leaf}.crt"))?,
        data(&format!("{leaf}.key"))?,
    );
    Ok(fs::write(to, text)?)
}
