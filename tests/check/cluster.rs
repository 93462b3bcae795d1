//! A Kubernetes API server on bad days.

use crate::support::kubernetes::{Answer, Server as Cluster};
use crate::support::prometheus::{Peer, Samples};

use super::scripted::Script;
use super::{Said, Site, check};

fn checked(url: &str, cluster: &Cluster, change: impl FnOnce(&str) -> String) -> Said {
    let site = Site::new();
    let kubeconfig = cluster.kubeconfig(site.path());
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    std::fs::write(&kubeconfig, change(&text)).unwrap();
    let act = format!(
        "act = {{ kind = \"kubernetes\", target = \"deployment/web\", timeout = \"1s\", kubeconfig = {:?} }}",
        kubeconfig.display().to_string()
    );
    check(&site.write("", &format!("[prometheus]\nurl = \"{url}\"\n[[services]]\nname = \"shop\"\nload = \"load_now\"\n{act}\n")))
}

#[test]
fn every_way_in_which_the_api_server_fails_says_what_to_do() {
    let url = Script::well().start();
    let cases: [(Answer, &[&str]); 8] = [
        (Answer::status(401, "Unauthorized"), &["does not accept the credentials (401)", "token or certificate still valid"]),
        (Answer::status(403, "forbidden: User \"ada\""), &["User \"ada\"", "server and user of the kubeconfig"]),
        (Answer::json(404, "404 page not found"), &["not found", "server and user of the kubeconfig"]),
        (Answer::status(429, "too many requests"), &["429", "too many requests", "try again"]),
        (Answer::status(500, "etcd is away"), &["500", "etcd is away", "try again"]),
        (Answer::status(503, "shutting down"), &["503", "shutting down", "try again"]),
        (Answer::withheld(), &["no answer from the Kubernetes API", "reachable from here"]),
        (Answer::hang_up(), &["no answer from the Kubernetes API", "reachable from here"]),
    ];
    for (answer, words) in cases {
        let cluster = Cluster::start();
        cluster.always("GET", "/version", answer);
        checked(&url, &cluster, str::to_owned).fails(&[&["fleet of shop"], words].concat());
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_and_an_address_where_nobody_is_are_told() {
    let url = Script::well().start();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/tls");
    let web = format!("tls_server_config: {{cert_file: {folder}/server.pem, key_file: {folder}/server.key}}\n");
    // Any server with such a certificate will do.
    let peer = Peer::prometheus_behind(&Samples::default(), &web);
    let cluster = Cluster::start();
    let other = |address: &str| checked(&url, &cluster, |text| text.replace(&cluster.url(), address));
    other(&peer.url()).fails(&["fleet of shop", "certificate", "certificate-authority"]);
    other("http://127.0.0.1:1").fails(&["fleet of shop", "no answer from the Kubernetes API", "reachable from here"]);
    // A kubeconfig that isn't one.
    checked(&url, &cluster, |_| "nothing".into()).fails(&["fleet of shop", "kubeconfig = "]);
}
