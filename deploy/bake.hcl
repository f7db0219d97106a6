# All images, for a registry of your own: ESCOLTA_REGISTRY=registry.example.org/escolta \
#   docker buildx bake --file deploy/bake.hcl --push
# (`make images` builds those that this machine runs.) A node may have another processor than the machine that builds.
variable "ESCOLTA_REGISTRY" {
  default = "localhost/escolta"
}

variable "VERSION" {
  default = "0.1.0"
}

group "default" {
  targets = ["ingest", "embedder", "embedder-cpu", "embedder-cuda", "al-engine", "label-gateway", "node-agent", "backup"]
}

target "image" {
  context    = "."
  dockerfile = "deploy/Dockerfile"
  platforms  = ["linux/amd64"]
}

target "ingest" {
  inherits = ["image"]
  args     = { SERVICE = "ingest", EXTRAS = "[operator]", VERSION = VERSION }
  tags     = ["${ESCOLTA_REGISTRY}/ingest:${VERSION}"]
}

target "embedder" {
  inherits = ["image"]
  args     = { SERVICE = "embedder", EXTRAS = "[yamnet]", VERSION = VERSION }
  tags     = ["${ESCOLTA_REGISTRY}/embedder:${VERSION}"]
}

target "embedder-cpu" {
  inherits = ["image"]
  args     = { SERVICE = "embedder", EXTRAS = "[yamnet,cnn14]", TORCH = "cpu", VERSION = VERSION }
  tags     = ["${ESCOLTA_REGISTRY}/embedder-cpu:${VERSION}"]
}

target "embedder-cuda" {
  inherits = ["image"]
  args     = { SERVICE = "embedder", EXTRAS = "[yamnet,cnn14]", TORCH = "cuda", VERSION = VERSION }
  tags     = ["${ESCOLTA_REGISTRY}/embedder-cuda:${VERSION}"]
}

target "al-engine" {
  inherits = ["image"]
  args     = { SERVICE = "al-engine", VERSION = VERSION }
  tags     = ["${ESCOLTA_REGISTRY}/al-engine:${VERSION}"]
}

target "label-gateway" {
  inherits = ["image"]
  args     = { SERVICE = "label-gateway", VERSION = VERSION }
  tags     = ["${ESCOLTA_REGISTRY}/label-gateway:${VERSION}"]
}

target "node-agent" {
  inherits  = ["image"]
  args      = { SERVICE = "node-agent", VERSION = VERSION }
  tags      = ["${ESCOLTA_REGISTRY}/node-agent:${VERSION}"]
  platforms = ["linux/amd64", "linux/arm64"]
}

target "backup" {
  inherits = ["image"]
  args     = { SERVICE = "backup", FOLDER = "libs/backup", VERSION = VERSION }
  tags     = ["${ESCOLTA_REGISTRY}/backup:${VERSION}"]
}
