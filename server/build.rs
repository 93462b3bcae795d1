//! Makes a release build notice a new build of the page and new migrations: both are read at compile time, and cargo doesn't see files that
//! appear. A debug build reads the page from its folder when it runs, so it isn't rebuilt for that.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../migrations");
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo:rerun-if-changed=../web/dist");
    }
}
