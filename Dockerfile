# docker build -t trawl --build-arg VERSION="$(git describe --tags --always)" .
# docker run --rm -v trawl:/data trawl crawl https://example.com

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
# timetzdata: the final image has no time zones of its own.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags "-s -w -X main.release=$VERSION" -o /out/trawl ./cmd/trawl \
 && mkdir /out/data

# Nothing but the program and the certificates: no shell, no packages to keep up to date.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/trawl /usr/local/bin/trawl
# The user has no name, for there is no /etc/passwd. A new volume takes its owner from this folder.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
# :6060 is the loopback address of the container, for the health check.
ENV PATH=/usr/local/bin TRAWL_OUT=/data TRAWL_LISTEN=:6060
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["trawl", "healthcheck"]
ENTRYPOINT ["trawl"]
CMD ["help"]
ARG VERSION
LABEL org.opencontainers.image.title="trawl" \
      org.opencontainers.image.description="A distributed web crawler that loses nothing" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
