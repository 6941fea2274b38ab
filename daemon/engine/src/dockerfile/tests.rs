//! Tests of rendered Dockerfiles, and of recipes that could break out of their line.

use super::*;
use windlass_model::recipe::StaticSite;

fn recipe() -> Recipe {
    let text = |s: &str| s.to_owned();
    Recipe {
        detector: text("python"),
        language: text("python"),
        score: 80,
        toolchains: vec![],
        evidence: vec![],
        image: ImagePlan {
            stages: vec![
                BuildStage {
                    name: text("build"),
                    base: text("python:3.11-slim"),
                    env: vec![(text("PIP_NO_INPUT"), text("1"))],
                    steps: vec![
                        BuildStep::copy(None, &["requirements.txt"], "./"),
                        BuildStep::Run {
                            argv: vec![text("pip"), text("install")],
                            caches: vec![text("/root/.cache/pip")],
                            secrets: vec![],
                            why: None,
                        },
                    ],
                    ..BuildStage::default()
                },
                BuildStage {
                    name: text("run"),
                    base: text("build"),
                    env: vec![],
                    steps: vec![BuildStep::copy(Some("build"), &["/app"], "/app")],
                    ..BuildStage::default()
                },
            ],
            test_in: Some(text("build")),
            start: vec![text("python"), text("app.py")],
            port: Some(8080),
            health: None,
            env: vec![(text("A"), text("\"x\" $y"))],
            user: 10001,
        },
        ..Recipe::default()
    }
}

#[test]
fn reads_as_a_person_would_write_it() {
    let expected = r#"# python app, found by `python`

FROM python:3.11-slim AS build
WORKDIR /app
ENV PIP_NO_INPUT="1"
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install"]

FROM build AS run
WORKDIR /app
COPY --from=build /app /app
ENV A="\"x\" \$y"
USER 10001
EXPOSE 8080
CMD ["python", "app.py"]
"#;
    assert_eq!(render(&recipe()).unwrap(), expected);
}

fn refused(spoil: impl Fn(&mut Recipe)) -> RecipeError {
    let mut recipe = recipe();
    spoil(&mut recipe);
    render(&recipe).unwrap_err()
}

#[test]
fn what_would_break_out_of_a_line_is_refused() {
    let run = |caches: &[&str], secrets: &[&str]| BuildStep::Run {
        argv: vec!["a".into()],
        caches: caches.iter().map(ToString::to_string).collect(),
        secrets: secrets.iter().map(ToString::to_string).collect(),
        why: None,
    };
    let step = |step: BuildStep| refused(|r| r.image.stages[0].steps[0] = step.clone()).field;
    assert_eq!(step(BuildStep::copy(None, &["../../etc"], "x")), "copy");
    assert_eq!(step(BuildStep::copy(None, &["a\" \"b"], "x")), "copy");
    assert_eq!(step(BuildStep::copy(None, &["a\nRUN evil"], "x")), "copy");
    assert_eq!(step(BuildStep::copy(None, &["<<WINDLASS"], "x")), "copy");
    assert_eq!(step(BuildStep::copy(None, &["a"], "x\ny")), "copy");
    assert_eq!(step(BuildStep::copy(None, &["a"], "x\" y")), "copy");
    assert_eq!(step(BuildStep::copy(Some("later"), &["a"], "x")), "copy.from");
    assert_eq!(step(run(&["a"], &[])), "run.caches");
    assert_eq!(step(run(&["/a,id=other"], &[])), "run.caches");
    assert_eq!(step(run(&[], &["A B"])), "run.secrets");
    assert_eq!(step(run(&[], &["a,required=A"])), "run.secrets");
    type Change = fn(&mut Recipe);
    let cases: [(&str, Change); 12] = [
        ("stage.base", |r| r.image.stages[0].base = "x\nRUN evil".into()),
        ("stage.name", |r| r.image.stages[0].name = "a b".into()),
        ("stage.workdir", |r| r.image.stages[0].workdir = Some("../x".into())),
        ("stage.workdir", |r| r.image.stages[0].workdir = Some("/a b".into())),
        ("stage.packages", |r| r.image.stages[0].packages = vec!["a;b".into()]),
        ("stage.packages", |r| r.image.stages[0].packages = vec!["-y".into()]),
        ("env", |r| r.image.env[0].0 = "A=1\nUSER".into()),
        ("env", |r| r.image.env[0].1 = "1\nUSER 0".into()),
        ("start", |r| r.image.start[0] = "a\nb".into()),
        ("user", |r| r.image.user = 0),
        ("test-in", |r| r.image.test_in = Some("nowhere".into())),
        ("language", |r| r.language = "syntax=evil/frontend".into()),
    ];
    for (field, spoil) in cases {
        assert_eq!(refused(spoil).field, field);
    }
}

#[test]
fn each_decision_has_a_comment_and_a_comment_is_one_line() {
    let mut recipe = recipe();
    let choice = |value: &str| Choice {
        subject: "python".into(),
        value: value.into(),
        source: ".python-version:1".into(),
    };
    recipe.decisions = vec![choice("3.11"), choice("3\nRUN evil"), choice(&"x".repeat(300))];
    let stage = &mut recipe.image.stages[0];
    stage.why = Some("all\r\ntools\u{2028}here".into());
    stage.steps[0] = BuildStep::Copy {
        from: None,
        sources: vec!["requirements.txt".into()],
        dest: "./".into(),
        owned: false,
        why: Some("before the tree\nFROM evil".into()),
    };
    let text = render(&recipe).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[1], "# python 3.11: .python-version:1");
    assert_eq!(lines[2], "# python 3 RUN evil: .python-version:1");
    assert_eq!(lines[3].chars().count(), 202);
    assert_eq!(lines[5..7], ["# all  tools here", "FROM python:3.11-slim AS build"]);
    assert!(text.contains("\n# before the tree FROM evil\nCOPY requirements.txt ./\n"), "{text}");
}

#[test]
fn packages_workdir_secrets_and_owners_have_their_lines() {
    let mut recipe = recipe();
    let [build, run] = &mut *recipe.image.stages else { panic!("two stages") };
    build.workdir = Some("/srv/app".into());
    build.packages = vec!["libvips42".into(), "g++".into(), "g++".into()];
    build.steps = vec![
        BuildStep::copy(None, &["package.json", "pnpm-lock.yaml"], "."),
        BuildStep::copy(None, &["app (old)/[id].js"], "app (old)/"),
        BuildStep::Run {
            argv: vec!["pnpm".into(), "install".into()],
            caches: vec!["/root/.cache".into()],
            secrets: vec!["NPM_TOKEN".into(), "key=OTHER".into()],
            why: None,
        },
        BuildStep::Assets,
    ];
    run.steps = vec![BuildStep::Copy {
        from: Some("build".into()),
        sources: vec!["/app/storage".into()],
        dest: "/app/storage".into(),
        owned: true,
        why: None,
    }];
    let expected = r#"# python app, found by `python`

FROM python:3.11-slim AS build
WORKDIR /srv/app
ENV PIP_NO_INPUT="1"
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libvips42 \
    && rm -rf /var/lib/apt/lists/*
COPY package.json pnpm-lock.yaml ./
COPY ["app (old)/[[]id].js", "app (old)/"]
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=npm-token,env=NPM_TOKEN --mount=type=secret,id=key,env=OTHER ["pnpm", "install"]

FROM build AS run
WORKDIR /app
COPY --from=build --chown=10001:10001 /app/storage /app/storage
"#;
    let text = render(&recipe).unwrap();
    assert!(text.starts_with(expected), "{text}");
    recipe.image.stages[0].base = "node:22-alpine".into();
    recipe.image.stages[1].packages = vec!["git".into()];
    let text = render(&recipe).unwrap();
    assert!(text.contains("\nRUN apk add --no-cache g++ libvips42\n"), "{text}");
    assert!(text.contains("\nRUN apk add --no-cache git\n"), "of the stage below: {text}");
}

fn site() -> Recipe {
    let mut recipe = recipe();
    recipe.image.stages.truncate(1);
    recipe.image.start.clear();
    recipe.image.env.clear();
    recipe.serves = Some(StaticSite {
        stage: Some("build".into()),
        folder: "/app/dist".into(),
        fallback: Some("index.html".into()),
        not_found: Some("404.html".into()),
        immutable: vec!["/assets/".into()],
    });
    settle(&mut recipe);
    recipe
}

#[test]
fn a_folder_is_served_without_root_at_the_port() {
    let recipe = site();
    let plan = &recipe.image;
    assert_eq!((plan.port, plan.user, plan.health.as_deref()), (Some(8080), 101, Some("/")));
    let expected = r#"
# Static files: nginx without root, which listens on $PORT
FROM nginxinc/nginx-unprivileged:1-alpine-slim AS run
ENV PORT="8080" \
    NGINX_ENVSUBST_FILTER="^PORT"
COPY <<"WINDLASS" /etc/nginx/templates/default.conf.template
server {
    listen ${PORT};
    root /srv;
    absolute_redirect off;
    gzip on;
    gzip_types text/css application/javascript application/json image/svg+xml;
    location / {
        add_header Cache-Control "no-cache";
        try_files $uri $uri/index.html $uri.html /index.html;
    }
    location ~ /\.(?!well-known/) {
        return 404;
    }
    location /assets/ {
        add_header Cache-Control "public, max-age=31536000, immutable";
        try_files $uri =404;
    }
    error_page 404 /404.html;
}
WINDLASS
COPY --from=build /app/dist /srv
USER 101
EXPOSE 8080
"#;
    let text = render(&recipe).unwrap();
    assert!(text.ends_with(expected), "{text}");
    let mut plain = site();
    plain.image.stages.clear();
    plain.image.test_in = None;
    plain.serves = Some(StaticSite { folder: "public".into(), ..StaticSite::default() });
    let text = render(&plain).unwrap();
    assert!(text.starts_with("# python app, found by `python`\n\n# Static files"), "{text}");
    assert!(text.contains("COPY public/ /srv\n") && text.contains("$uri.html =404;"), "{text}");
    assert!(
        text.contains("    location = /windlass.toml {\n        return 404;\n    }\n"),
        "{text}"
    );
}

#[test]
fn what_would_break_out_of_the_servers_configuration_is_refused() {
    fn spoilt(spoil: fn(&mut StaticSite)) -> String {
        let mut recipe = site();
        spoil(recipe.serves.as_mut().unwrap());
        render(&recipe).unwrap_err().field
    }
    assert_eq!(spoilt(|site| site.folder = "/a\nWINDLASS".into()), "serves.folder");
    assert_eq!(spoilt(|site| site.folder = "dist".into()), "serves.folder");
    assert_eq!(spoilt(|site| site.stage = Some("none".into())), "serves.stage");
    assert_eq!(spoilt(|site| site.fallback = Some("a; root /".into())), "serves");
    assert_eq!(spoilt(|site| site.not_found = Some("$uri".into())), "serves");
    for bad in ["/assets", "assets/", "/", "//", "/a b/", "/{/"] {
        let mut recipe = site();
        recipe.serves.as_mut().unwrap().immutable = vec![bad.into()];
        assert_eq!(render(&recipe).unwrap_err().field, "serves.immutable", "{bad}");
    }
    let mut both = site();
    both.image.start = vec!["serve".into()];
    assert_eq!(render(&both).unwrap_err().field, "start");
    let mut named = site();
    named.image.stages[0].name = "run".into();
    assert_eq!(render(&named).unwrap_err().field, "stage.name");
}
