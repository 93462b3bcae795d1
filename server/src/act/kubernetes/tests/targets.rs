//! Targets and configurations as they are written.

use super::*;

#[test]
fn a_target_is_written_short_or_in_full() {
    let parts = |text: &str| {
        let Target { group, version, kind, name } = text.parse().unwrap();
        [group, version, kind, name].join(" ")
    };
    assert_eq!(parts("deployment/chat-api"), "apps v1 deployment chat-api");
    assert_eq!(parts("StatefulSet/x"), "apps v1 StatefulSet x");
    assert_eq!(parts("rs/x.y"), "apps v1 rs x.y");
    assert_eq!(parts("myapps.example.com/v1beta1/widgets/name"), "myapps.example.com v1beta1 widgets name");
    for text in ["deployment/chat-api", "example.com/v1/widgets/a"] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
}

#[test]
fn anything_else_is_refused_with_what_is_allowed() {
    for wrong in [
        "",
        "web",
        "deployment/",
        "/web",
        "pod/web",
        "deployment/Web",
        "deployment/web/",
        "deployment/we b",
        "deployment/../x",
        "deployment/-x",
        "example.com/v1/widgets",
        "example.com/v1/widgets/a/b",
        "example.com//widgets/a",
        "ex ample/v1/widgets/a",
        "example.com/v1/wid%2fgets/a",
    ] {
        let error = wrong.parse::<Target>().unwrap_err().to_string();
        assert!(error.contains(&format!("{wrong:?}")) && error.contains("deployment/NAME"), "{error}");
    }
}

#[tokio::test]
async fn a_configuration_that_leads_nowhere_is_told_at_the_start() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let options = |change: fn(&mut Options)| {
        let mut options = Options {
            kubeconfig: Some(server.kubeconfig(folder.path())),
            context: None,
            namespace: "default".into(),
            target: "deployment/web".parse().unwrap(),
            way: Way::Auto,
            take_over: false,
            dry_run: false,
            timeout: Duration::from_secs(1),
            port: None,
        };
        change(&mut options);
        options
    };
    let failed = async |change| Kubernetes::connect(options(change), Clock::start(0, 1.0)).await.err().expect("this leads nowhere");
    says(&failed(|options| options.namespace = "Prod/x".into()).await, false, &["namespace = \"Prod/x\"", "allowed"]);
    says(&failed(|options| options.kubeconfig = Some("/nowhere/kubeconfig".into())).await, false, &["/nowhere/kubeconfig"]);
    std::fs::write(folder.path().join("broken"), "clusters: [{name: 'x]\nusers: [{name: t, user: {token: eyJhbGciOiJSUzI1NiJ9}}]\n")
        .unwrap();
    let error = failed(|options| options.kubeconfig = options.kubeconfig.as_ref().map(|path| path.with_file_name("broken"))).await;
    says(&error, false, &["broken", "unclosed quote"]);
    assert!(!error.text.contains("eyJ"), "a part of the token is in: {error}");
    says(&failed(|options| options.context = Some("prod".into())).await, false, &["context = \"prod\"", "[\"test\"]"]);
}
