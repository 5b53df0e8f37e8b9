//! Compiling policies that grow tenfold: ten times the time is linear.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use portcullis::{Policy, Source};
use portcullis_benches::ARTICLE;

fn compile(c: &mut Criterion) {
    let mut group = c.benchmark_group("compile");
    group.sample_size(10);
    group.bench_function("article.gate", |b| b.iter(|| compiled(black_box(ARTICLE))));
    for routes in [10, 100, 1_000, 10_000] {
        let text = table(routes);
        group.throughput(Throughput::Elements(routes));
        group.bench_with_input(BenchmarkId::new("routes", routes), &text, |b, text| b.iter(|| compiled(text)));
    }
    group.finish();
}

fn compiled(text: &str) -> bool {
    let compiled = Policy::compile(&[Source::new("generated.gate", text)]);
    assert!(compiled.is_ok(), "a generated policy compiles");
    compiled.is_ok()
}

/// A policy of `routes` routes, each with a permission of its own and a role that has it.
fn table(routes: u64) -> String {
    let mut text = String::from(
        "policy generated\nsecret KEY\n\
         token access { algorithm HS256  key KEY  claims { sub: string  role: string } }\n\
         user from access { id = claims.sub  roles = [claims.role] }\n",
    );
    for n in 0..routes {
        let _ = writeln!(text, "resource r{n} {{ actions read }}\nrole role{n} {{ allow r{n}:read }}");
    }
    text.push_str("routes / {\n");
    for n in 0..routes {
        let _ = writeln!(text, "  GET /r{n}/{{id}} requires r{n}:read");
    }
    text + "}\n"
}

criterion_group!(benches, compile);
criterion_main!(benches);
