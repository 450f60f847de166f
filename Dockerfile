# The operator as one static program, on a base without a shell. docs/image.md describes how to build and verify it.
ARG RUST_VERSION=1.95.0

FROM docker.io/library/rust:${RUST_VERSION}-slim-bookworm AS build
WORKDIR /src
COPY . .
# Static, so that the base need not hold the C library. With a --target, though it is the machine's own: without, the flag would reach
# procedural macros, which cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"
# The target folder outlives this build, and may have seen newer files than these; cargo compares times only, so these files must be newer.
# The secret is a bundle of CAs for networks that open TLS; without it the base's own are used.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/var/cache/target,sharing=locked \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    touch src/lib.rs src/main.rs \
    && cargo build --locked --profile dist --bin synapse-spark-operator --target "$(rustc --print host-tuple)" --target-dir /var/cache/target \
    && install -D --target-directory=/out "/var/cache/target/$(rustc --print host-tuple)/dist/synapse-spark-operator"
# After the build, which does not depend on it.
ARG SOURCE_DATE_EPOCH=0
RUN touch --date="@$SOURCE_DATE_EPOCH" /out/synapse-spark-operator

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="synapse-spark-operator" \
      org.opencontainers.image.description="Attaches Apache Spark pools of Azure Synapse to Azure Machine Learning workspaces, as a Kubernetes object" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/synapse-spark-operator/synapse-spark-operator" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.base.name="gcr.io/distroless/static-debian12:nonroot"
COPY --from=build /out/synapse-spark-operator /usr/local/bin/synapse-spark-operator
# The base's nonroot, as a number: a kubelet cannot verify from a name that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/synapse-spark-operator"]
