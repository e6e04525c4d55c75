#!/bin/bash
# A sweep on a private Slurm cluster of one node, on loopback and without systemd: slurm_test.sh SPADIX.
# Needs root, and Debian's slurm-wlm and munge. Everything is in a temporary folder and is taken down at the end.
set -euo pipefail
spadix=$(readlink -f "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
for command in slurmctld slurmd sbatch munged; do
  if ! command -v "$command" >/dev/null && [ ! -x "/usr/sbin/$command" ]; then
    echo "slurm-test: SKIPPED, $command is missing (apt-get install --no-install-recommends slurm-wlm munge)"
    exit 77
  fi
done
export PATH=$PATH:/usr/sbin

# Daemons run as root do not take folders that others may write into, so not /tmp itself.
folder=$(mktemp -d /var/tmp/spadix-slurm-XXXXXX)
chmod 755 "$folder"
pids=()
take_down() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap take_down EXIT

mkdir -p "$folder"/{munge,state,spool,log}
dd if=/dev/urandom of="$folder/munge/key" bs=128 count=1 status=none
chmod 700 "$folder/munge"
chmod 400 "$folder/munge/key"
munged --foreground --force --socket "$folder/munge.socket" --key-file "$folder/munge/key" --pid-file "$folder/munge/pid" \
  --seed-file "$folder/munge/seed" --log-file "$folder/munge/log" --num-threads 2 >/dev/null 2>&1 &
pids+=($!)

# Ports of their own, so that a Slurm of this machine is not disturbed.
port=$((20000 + RANDOM % 20000))
host=$(hostname -s)
cat > "$folder/slurm.conf" <<CONF
ClusterName=spadix
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$folder/slurm.conf
slurmctld -D -c >/dev/null 2>&1 &
pids+=($!)
slurmd -D >/dev/null 2>&1 &
pids+=($!)
for attempt in $(seq 100); do
  if sinfo -h -o '%T' 2>/dev/null | grep -q idle; then break; fi
  if [ "$attempt" = 100 ]; then
    echo "slurm-test: the private cluster does not come up:"
    tail -5 "$folder"/log/* || true
    exit 1
  fi
  sleep 0.2
done

cat > "$folder/sweep.yaml" <<YAML
networks: [$root/ir-examples/digits/cnn.spx, $root/ir-examples/mnist-lenet.spx]
targets: [gemmini, spadix]
set:
  scratchpad.bytes: [32K, 64K]
  dim: [8, 12, 16]
time:
  timing.dma_latency: [20, 60, 240]
YAML
cd "$folder"
"$spadix" sweep sweep.yaml -o local --jobs 2
"$spadix" sweep sweep.yaml -o slurm --engine slurm
cmp local/sweep.csv slurm/sweep.csv
lines=$(wc -l < slurm/sweep.csv)
# A partition that is not there is refused with what Slurm says.
if "$spadix" sweep sweep.yaml -o refused --engine slurm --sbatch=--partition=none 2> refused.txt; then
  echo "slurm-test: an unknown partition was accepted"
  exit 1
fi
grep -q 'sweep.slurm' refused.txt
echo "slurm-test: $((lines - 1)) points on Slurm, the same table as on this machine"
