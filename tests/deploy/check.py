"""check.py VERSION IMAGE.tar ENVFILE - what deploy/ must keep to, as far as files can show it.

One function a rule, `check_*`; each prints one `ok - ...` or `not ok - ...` line for each thing it looks at.
"""
import hashlib
import json
import os
import re
import stat
import sys
import tarfile

import yaml

SIZE_MAX = 120_000_000
KUBERNETES = "1.33"
failed = 0


def say(problems, name):
    """problems: a list of sentences; empty is good."""
    global failed
    problems = list(problems)
    failed += bool(problems)
    print(f"{'not ok' if problems else 'ok'} - {name}")
    for p in problems[:10]:
        print(f"#   {p}")


def load(path):
    with open(path, encoding="utf-8") as f:
        return yaml.safe_load(f)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


# ---- compose ----

COMPOSE = ("deploy/compose.yaml", "deploy/compose.milvus.yaml")
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|MINIO_ROOT_USER")
PINNED = re.compile(r"^[a-z0-9./-]+:(v?\d+\.\d+\.\d+|RELEASE\.\d{4}-\S+)$")


def compose_services():
    for path in COMPOSE:
        for name, service in load(path)["services"].items():
            yield os.path.basename(path), name, service


def check_compose_ports():
    bad = []
    for file, name, service in compose_services():
        ports = service.get("ports", [])
        if name == "eyeshine":
            if ports != ["${EYESHINE_BIND:-127.0.0.1}:${EYESHINE_PORT:-8000}:8000"]:
                bad.append(f"{file}: {name} publishes {ports}")
        elif ports or service.get("network_mode") or "expose" in service:
            bad.append(f"{file}: {name} publishes {ports}")
    say(bad, "compose: only eyeshine's port is published, on loopback unless told otherwise, by variables")


def check_compose_networks():
    bad = []
    for path in COMPOSE:
        whole = load(path)
        inside = {n for n, v in whole.get("networks", {}).items() if v and v.get("internal")}
        for name, service in whole["services"].items():
            if name != "eyeshine" and set(service.get("networks", ["default"])) - inside:
                bad.append(f"{path}: {name} is on a network that leads out")
    say(bad, "compose: all others are on a network that leads nowhere else")


def check_compose_secrets():
    bad = []
    for file, name, service in compose_services():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and not re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", str(value)):
                bad.append(f"{file}: {name}: {key} is {value!r}")
    for path in COMPOSE:
        if re.search(r"minioadmin|Milvus\"|:Milvus\b", read(path)):
            bad.append(f"{path}: a default password")
    say(bad, "compose: secrets come from the environment alone, and without them nothing starts")


def check_compose_variables(env_file):
    given = dict(line.split("=", 1) for line in read(env_file).splitlines() if line and not line.startswith("#"))
    wanted = {v for path in COMPOSE for v in re.findall(r"\$\{([A-Z_]+):\?", read(path))}
    say([f"{v} is not made by deploy/env" for v in sorted(wanted - set(given))], "compose: deploy/env makes all that must be there")
    weak = [k for k in ("MINIO_PASSWORD", "MILVUS_PASSWORD") if len(given.get(k, "")) < 40]
    key = re.fullmatch(r"admin:admin:eye_[A-Za-z0-9_-]{43}", given.get("EYESHINE_KEYS", ""))
    say(weak + ([] if key else ["EYESHINE_KEYS"]), "compose: passwords are long and random, the key is one")


def check_compose_services():
    unpinned, unhealthy, unbound, loose = [], [], [], []
    for file, name, service in compose_services():
        image = service["image"].replace("${EYESHINE_VERSION:-", "").replace("}", "")
        if not PINNED.match(image):
            unpinned.append(f"{file}: {name}: {image}")
        if service.get("healthcheck", {}).get("test", [""])[0] != "CMD":
            unhealthy.append(f"{file}: {name}")
        if "memory" not in service.get("deploy", {}).get("resources", {}).get("limits", {}):
            unbound.append(f"{file}: {name}")
        if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []) or service.get("privileged"):
            loose.append(f"{file}: {name}: capabilities or privileges")
        if name != "milvus" and not service.get("read_only"):
            loose.append(f"{file}: {name}: root is writable")
        for other, how in (service.get("depends_on") or {}).items():
            if how.get("condition") != "service_healthy":
                unhealthy.append(f"{file}: {name} does not wait for {other} to be healthy")
    say(unpinned, "compose: every image has a version")
    say(unhealthy, "compose: every service has a health check, and waits for those of others")
    say(unbound, "compose: every service has a limit of memory")
    say(loose, "compose: no capability, no new privileges, read-only roots (but Milvus')")


def check_compose_specification(env_file):
    """Each file with its variables filled in, read by a strict reader of the Compose Specification (that wants 4.0 where 4 is meant)."""
    from compose_spec import PyOptions

    given = dict(line.split("=", 1) for line in read(env_file).splitlines() if line and not line.startswith("#"))
    bad = []
    for path in COMPOSE:
        text = re.sub(r"\$\{([A-Z_]+)(?::[-?]([^}]*))?\}", lambda m: given.get(m[1], m[2] or ""), read(path))
        try:
            PyOptions(apply_merge=True).from_yaml(text).validate()
        except (ValueError, TypeError) as why:
            bad.append(f"{path}: {why}")
    say(bad, "compose: both files fit the Compose Specification")


# ---- the image ----


def dockerfile():
    """Instructions of the last stage, as (name, text)."""
    text = re.sub(r"\\\n", " ", read("deploy/Dockerfile"))
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    last = max(i for i, line in enumerate(lines) if line[0] == "FROM")
    return [(line[0], line[1].strip()) for line in lines[last:]]


def nanoseconds(text):
    return int(text.rstrip("s")) * 10**9


def config_of_dockerfile():
    c = {"Env": [], "Labels": {}}
    for name, text in dockerfile():
        if name == "ENV":
            c["Env"] += text.split()
        elif name == "LABEL":
            c["Labels"].update(re.findall(r'(\S+)="([^"]*)"', text))
        elif name in ("USER", "WORKDIR", "STOPSIGNAL"):
            c[{"USER": "User", "WORKDIR": "WorkingDir", "STOPSIGNAL": "StopSignal"}[name]] = text
        elif name in ("ENTRYPOINT", "CMD"):
            c[name.capitalize()] = json.loads(text)
        elif name == "EXPOSE":
            c["ExposedPorts"] = {text: {}}
        elif name == "VOLUME":
            c["Volumes"] = {v: {} for v in json.loads(text)}
        elif name == "HEALTHCHECK":
            flags = dict(re.findall(r"--([a-z-]+)=(\S+)", text))
            c["Healthcheck"] = {
                "Test": ["CMD"] + json.loads(text.split("CMD", 1)[1]),
                "Interval": nanoseconds(flags["interval"]),
                "Timeout": nanoseconds(flags["timeout"]),
                "StartPeriod": nanoseconds(flags["start-period"]),
                "Retries": int(flags["retries"]),
            }
    return c


def check_dockerfile(image_config):
    ours, theirs = image_config["config"], config_of_dockerfile()
    say([f"{k}: {ours.get(k)!r} is not {theirs.get(k)!r}" for k in sorted(set(ours) | set(theirs)) if ours.get(k) != theirs.get(k)], "image: the Dockerfile and deploy/image/config.json say the same")
    froms = [text for name, text in dockerfile() if name == "FROM"]
    say([] if froms == ["scratch"] else froms, "image: nothing is under it but what deploy/assemble made")


def check_image(path):
    """Every digest in the file is right; returns the image's configuration."""
    with tarfile.open(path) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile() and m.size < 1_000_000}
        big = [m for m in tar.getmembers() if m.size >= 1_000_000]
        sums = {}
        for m in tar.getmembers():
            if m.isfile() and m.name.startswith("blobs/"):
                h, f = hashlib.sha256(), tar.extractfile(m)
                while block := f.read(1 << 20):
                    h.update(block)
                sums[m.name] = h.hexdigest()
        bad = [name for name, digest in sums.items() if not name.endswith(digest)]
        manifest = json.loads(files["manifest.json"])[0]
        index = json.loads(files["index.json"])["manifests"][0]
        inner = json.loads(files["blobs/" + index["digest"].replace(":", "/")])
        config = json.loads(files[manifest["Config"]])
        layer = manifest["Layers"][0]
        if inner["config"]["digest"].replace(":", "/") != manifest["Config"][6:] or inner["layers"][0]["digest"].replace(":", "/") != layer[6:]:
            bad.append("the two manifests name different things")
        if config["rootfs"]["diff_ids"] != ["sha256:" + sums[layer]] or len(big) != 1:
            bad.append("the layer is not the configuration's")
        say(bad, "image: an OCI layout and a docker archive in one, every digest right")
        say([] if big[0].size < SIZE_MAX else [f"{big[0].size} bytes"], f"image: {big[0].size / 1e6:.1f} MB, below {SIZE_MAX // 10**6}")
        with tarfile.open(fileobj=tar.extractfile(layer)) as inside:
            check_layer(inside.getmembers())
    user = config["config"]["User"]
    say([] if re.fullmatch(r"[1-9]\d*:[1-9]\d*", user) else [user], "image: its user is a number and not root")
    return config


def check_layer(members):
    bad = []
    for m in members:
        mine = m.name.rstrip("/") == "./var/lib/eyeshine"
        if m.mode & (stat.S_ISUID | stat.S_ISGID):
            bad.append(f"{m.name} is setuid")
        if (m.uid, m.gid) != ((65532, 65532) if mine else (0, 0)):
            bad.append(f"{m.name} is owned by {m.uid}:{m.gid}")
        if m.mode & 0o022 and not m.issym() and m.name != "./tmp":
            bad.append(f"{m.name} may be written by others")
        if re.search(r"/(sh|bash|dash|busybox|apt|dpkg|perl|python3?)$", m.name) and m.isfile():
            bad.append(f"{m.name} has no business in it")
    say(bad, "image: all is root's but the library's folder; no setuid, no shell, no package manager")


# ---- Kubernetes ----

MANIFESTS = [f"deploy/kubernetes/{d}/{f}" for d in ("base", "index") for f in sorted(os.listdir(f"deploy/kubernetes/{d}")) if f != "kustomization.yaml"]


def manifests():
    for path in MANIFESTS:
        with open(path, encoding="utf-8") as f:
            for document in yaml.safe_load_all(f):
                yield path, document


def pods():
    for path, d in manifests():
        if d["kind"] in ("Deployment", "Job"):
            yield path, d, d["spec"]["template"]["spec"]


def check_kubernetes_schemas():
    import kubernetes_validate

    bad = []
    for path, d in manifests():
        try:
            kubernetes_validate.validate(d, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as why:
            bad.append(f"{path}: {d['kind']}: {why}")
    say(bad, f"kubernetes: every manifest fits the schemas of {KUBERNETES}, strictly")


def check_kubernetes_pods():
    bad = []
    for path, _, pod in pods():
        c, s = pod["containers"][0], pod.get("securityContext", {})
        own = c.get("securityContext", {})
        rules = {
            "runAsNonRoot": s.get("runAsNonRoot") is True and s.get("runAsUser", 0) > 0,
            "seccomp": s.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "privileges": own.get("allowPrivilegeEscalation") is False and own.get("capabilities") == {"drop": ["ALL"]},
            "read-only root": own.get("readOnlyRootFilesystem") is True,
            "no token": pod.get("automountServiceAccountToken") is False,
            "memory": "memory" in c["resources"].get("limits", {}) and "cpu" in c["resources"].get("requests", {}),
            "image": c["image"] == "eyeshine",  # named and versioned by kustomization.yaml
        }
        bad += [f"{path}: {name}" for name, good in rules.items() if not good]
        for e in c.get("env", []):
            if SECRET.search(e["name"]) and "value" in e and not e["value"].startswith("/run/secrets/"):
                bad.append(f"{path}: {e['name']} is written out")
    kinds = {d["kind"] for _, d in manifests()}
    bad += sorted({"Deployment", "Service", "Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Job", "Namespace"} - kinds)
    bad += [f"{path}: a Secret does not belong into files" for path, d in manifests() if d["kind"] == "Secret"]
    say(bad, "kubernetes: pods keep to the restricted profile, secrets are referred to")


def check_kubernetes_names():
    """Selectors find the pods, claims and maps are there, mounts have volumes."""
    bad = []
    have = {(d["kind"], d["metadata"]["name"]) for _, d in manifests()}
    labels = [d["spec"]["template"]["metadata"]["labels"] for _, d, _ in pods()]
    for path, d in manifests():
        spec = d.get("spec", {})
        wanted = {"Service": spec.get("selector"), "Deployment": (spec.get("selector") or {}).get("matchLabels") if d["kind"] == "Deployment" else None}.get(d["kind"])
        if d["kind"] in ("PodDisruptionBudget", "NetworkPolicy"):
            wanted = (spec.get("selector") or spec.get("podSelector"))["matchLabels"]
        if wanted and not any(wanted.items() <= l.items() for l in labels):
            bad.append(f"{path}: {d['kind']} selects no pod")
        if d["kind"] == "HorizontalPodAutoscaler" and (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]) not in have:
            bad.append(f"{path}: scales nothing")
    for path, _, pod in pods():
        volumes = {v["name"]: v for v in pod["volumes"]}
        mounted = {m["name"] for m in pod["containers"][0]["volumeMounts"]}
        bad += [f"{path}: {m} is no volume" for m in mounted ^ set(volumes)]
        for v in volumes.values():
            claim = v.get("persistentVolumeClaim", {}).get("claimName")
            if claim and ("PersistentVolumeClaim", claim) not in have:
                bad.append(f"{path}: no claim {claim}")
        for e in pod["containers"][0].get("envFrom", []):
            if ("ConfigMap", e["configMapRef"]["name"]) not in have:
                bad.append(f"{path}: no {e}")
    say(bad, "kubernetes: what one manifest names in another is there")


def check_kubernetes_job():
    bad = []
    for path, d, pod in pods():
        if d["kind"] == "Deployment":
            c = pod["containers"][0]
            if not all(c.get(p, {}).get("httpGet", {}).get("path") == "/healthz" for p in ("startupProbe", "readinessProbe", "livenessProbe")):
                bad.append(f"{path}: probes")
            if "replicas" in d["spec"]:
                bad.append(f"{path}: replicas are the autoscaler's")
            continue
        spec, args = d["spec"], pod["containers"][0]["args"]
        n = spec["completions"]
        if spec["completionMode"] != "Indexed" or spec["parallelism"] != n or args != ["index", "--part", f"$(JOB_COMPLETION_INDEX)/{n}"]:
            bad.append(f"{path}: {n} parts, {spec['parallelism']} workers, {args}")
    say(bad, "kubernetes: probes ask /healthz; the Job has as many parts as workers")


def check_kustomize():
    bad = []
    for folder in sorted(os.listdir("deploy/kubernetes")):
        path = f"deploy/kubernetes/{folder}/kustomization.yaml"
        if os.path.isfile(path):
            k = load(path)
            bad += [f"{path}: no {r}" for r in k.get("resources", []) + k.get("components", []) if not os.path.exists(f"deploy/kubernetes/{folder}/{r}")]
            listed = {r for r in k.get("resources", []) if r.endswith(".yaml")}
            bad += [f"{path}: leaves {f} out" for f in os.listdir(os.path.dirname(path)) if f not in listed | {"kustomization.yaml"}]
    say(bad, "kubernetes: kustomizations name the files there are")


def check_versions(version):
    found = {
        "deploy/Dockerfile": re.findall(r'image\.version="([^"]+)"|eyeshine:(\d[\d.]*\d)', read("deploy/Dockerfile")),
        **{p: re.findall(r"EYESHINE_VERSION:-([^}]+)\}", read(p)) for p in COMPOSE},
        **{f"deploy/kubernetes/{d}/kustomization.yaml": re.findall(r"newTag: (\S+)", read(f"deploy/kubernetes/{d}/kustomization.yaml")) for d in ("base", "index")},
    }
    bad = []
    for path, hits in found.items():
        words = [w for h in hits for w in (h if isinstance(h, tuple) else (h,)) if w]
        if not words or set(words) != {version}:
            bad.append(f"{path}: {words}, the program is {version}")
    say(bad, "all of deploy/ names this version")


def main():
    version, image, env_file = sys.argv[1:4]
    check_compose_ports()
    check_compose_networks()
    check_compose_secrets()
    check_compose_variables(env_file)
    check_compose_services()
    check_compose_specification(env_file)
    check_dockerfile(check_image(image))
    check_kubernetes_schemas()
    check_kubernetes_pods()
    check_kubernetes_names()
    check_kubernetes_job()
    check_kustomize()
    check_versions(version)
    sys.exit(1 if failed else 0)


main()
