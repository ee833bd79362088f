"""Boots a Linux guest with a software RDMA device (rdma_rxe) under QEMU and runs in it what needs one: test_rdma, and
CUDA programs on a cricket-server over rdma://. Its root file system is made of busybox, the build and the libraries both
need. Exits 77 where the parts are missing: QEMU, busybox, or a kernel (scripts/guest-kernel fetches Debian's).

usage: guest.py BUILD    (the build folder; the kernel is in BUILD/guest-kernel)"""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TIMEOUT_S = int(os.environ.get("CRICKET_TEST_GUEST_TIMEOUT", "400"))
ADDRESS = "10.213.7.1"

# One line for each thing that is shown; the last tells that none was left out.
INIT = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /run
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/lib
for module in $(cat /modules/order); do insmod /modules/$module || echo "GUEST insmod $module: failed"; done
ip link set lo up
ip addr add {ADDRESS}/24 dev dummy0 && ip link set dummy0 up
rdma link add rxe0 type rxe netdev dummy0 || echo "GUEST rdma link: failed"
echo 0123456789abcdef > /tmp/token
chmod 600 /tmp/token
export CRICKET_TOKEN_FILE=/tmp/token CK_DEFAULT_TIMEOUT=120

show() {{ name=$1; shift; "$@" > /tmp/out 2>&1; status=$?; sed "s/^/GUEST-$name: /" /tmp/out; echo "GUEST $name: $status"; }}
await() {{ tries=0; until "$@" > /dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 2000 ] || return 1; usleep 10000; done; }}
await test -e /sys/class/infiniband_verbs/uverbs0 || {{ echo "GUEST device: none"; poweroff -f; }}
CRICKET_TEST_RDMA_ADDRESS={ADDRESS} show stream /cricket/tests/test_rdma
/cricket/bin/cricket-server --driver=cpu --listen=rdma://{ADDRESS}:14833 --token-file=/tmp/token > /tmp/server 2>&1 &
await grep -q listening /tmp/server
show ping /cricket/bin/cricket ping --count 50 --server rdma://{ADDRESS}:14833
for sample in vectorAdd asyncStreams histogram; do
	show $sample /cricket/bin/cricket run --server rdma://{ADDRESS}:14833 --stats -- /cricket/samples/$sample
done
show stress /cricket/bin/cricket run --server rdma://{ADDRESS}:14833 -- /cricket/tests/stress_program 4 3 20 1
show no-device /bin/sh -c 'CRICKET_RDMA_DEVICE=none /cricket/bin/cricket ping --server rdma://{ADDRESS}:14833'
show tcp /cricket/bin/cricket run --server tcp://{ADDRESS}:14833 -- /cricket/samples/vectorAdd
sed 's/^/GUEST-server: /' /tmp/server
echo "GUEST end: 0"
poweroff -f
"""

EXPECTED = {"stream": 0, "ping": 0, "vectorAdd": 0, "asyncStreams": 0, "histogram": 0, "stress": 0, "tcp": 0, "no-device": None,
            "end": 0}
# crc32_generic: rxe asks the kernel for it by name.
MODULES = ["crc32_generic", "rdma_rxe", "dummy", "ib_uverbs"]


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def find_kernel(build):
    """The kernel and the folder of its modules."""
    kernels = sorted((build / "guest-kernel" / "boot").glob("vmlinuz-*"))
    if not kernels:
        skip(f"no kernel for the guest; run scripts/guest-kernel {build}/guest-kernel")
    release = kernels[-1].name.removeprefix("vmlinuz-")
    return kernels[-1], build / "guest-kernel" / "lib" / "modules" / release


def module_order(folder):
    """The files of MODULES and of those that they depend on, in the order of loading."""
    files = {re.sub(r"\.ko.*", "", path.name).replace("-", "_"): path for path in folder.rglob("*.ko*")}
    order = []

    def visit(name):
        if name not in files:
            skip(f"the guest's kernel has no module {name}")
        depends = re.search(rb"\0depends=([^\0]*)\0", b"\0" + files[name].read_bytes())
        for other in filter(None, depends.group(1).decode().split(",")):
            visit(other.replace("-", "_"))
        if files[name] not in order:
            order.append(files[name])

    for name in MODULES:
        visit(name)
    return order


def libraries_of(paths):
    """The shared libraries that the programs need, the loader among them: {name in /lib or path: file}."""
    found = {}
    for path in paths:
        output = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        for name, file in re.findall(r"(\S+) => (/\S+)", output):
            found["lib/" + name] = file
        for file in re.findall(r"^\s+(/\S+ld-linux\S*)", output, re.M):
            found[file.lstrip("/")] = file
    return found


def fill(root, build, kernel_modules):
    """The guest's files."""
    verbs = [path for pattern in ("libibverbs.so.1", "libibverbs/librxe-rdmav*.so")
             for path in pathlib.Path("/usr/lib").glob("*/" + pattern)]
    if len(verbs) < 2:
        skip("no libibverbs with the rxe provider (Debian's ibverbs-providers)")
    tools = {"rdma": shutil.which("rdma"), "ip": shutil.which("ip", path="/sbin:/usr/sbin:/bin:/usr/bin")}
    busybox = shutil.which("busybox", path="/bin:/usr/bin")
    if not all(tools.values()) or not busybox:
        skip("no busybox (Debian's busybox-static), or no iproute2")

    own = ["bin/cricket", "bin/cricket-server", "lib/libcudart.so.13", "lib/remote/libcuda.so.1", "lib/cpu/libcuda.so.1",
           "tests/test_rdma", "tests/stress_program", "samples/vectorAdd", "samples/asyncStreams", "samples/histogram"]
    files = {"bin/busybox": busybox, **{"bin/" + name: path for name, path in tools.items()}}
    files |= {"cricket/" + name: build / name for name in own}
    files |= libraries_of([*files.values(), *verbs])
    files |= {str(path).lstrip("/"): path for path in verbs}
    files["etc/libibverbs.d/rxe.driver"] = "/etc/libibverbs.d/rxe.driver"
    files |= {f"modules/{path.name}": path for path in kernel_modules}
    for name, source in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / name)
        (root / name).chmod(0o755)
    (root / "modules" / "order").write_text("\n".join(path.name for path in kernel_modules) + "\n")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)


def pack(root, image):
    """The root folder as a compressed initramfs."""
    names = subprocess.run(["find", ".", "-print0"], cwd=root, capture_output=True, check=True).stdout
    archive = subprocess.run(["cpio", "--null", "-o", "-H", "newc", "--quiet"], cwd=root, input=names,
                             capture_output=True, check=True).stdout
    image.write_bytes(gzip.compress(archive, 1))


def boot(kernel, image):
    """What the guest says."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1536",
               "-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1", "-nographic",
               "-no-reboot", "-nic", "none", "-monitor", "none"]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S,
                              check=False).stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + f"\nthe guest was ended after {TIMEOUT_S} s\n"


def main():
    build = pathlib.Path(sys.argv[1])
    if not shutil.which("qemu-system-x86_64") or not shutil.which("cpio"):
        skip("no qemu-system-x86_64, or no cpio")
    kernel, folder = find_kernel(build)
    modules = module_order(folder)
    with tempfile.TemporaryDirectory(prefix="cricket-guest-") as temporary:
        root = pathlib.Path(temporary) / "root"
        image = pathlib.Path(temporary) / "initrd"
        fill(root, build, modules)
        pack(root, image)
        said = boot(kernel, image)
    print(said)
    statuses = {name: int(status) for name, status in re.findall(r"GUEST ([\w-]+): (\d+)", said)}
    wrong = [name for name, status in EXPECTED.items()
             if name not in statuses or (statuses[name] != status if status is not None else statuses[name] == 0)]
    if "no RDMA" not in said:
        wrong.append("the reason why there is no device")
    if "over rdma" not in said and "rdma://" not in said:
        wrong.append("a session over rdma")
    if wrong:
        print("FAILED: " + ", ".join(wrong))
        sys.exit(1)


main()
