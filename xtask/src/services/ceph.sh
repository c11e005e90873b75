# One Ceph cluster in one folder: a monitor, one store in memory, and the S3 gateway, on
# loopback. Started by ceph.rs; everything ends with the process group.
# usage: ceph.sh <programs> <gateway port> <monitor port> <first port of the store>
set -eu
programs=$1 gateway=$2 monitor=$3 first=$4
here=$PWD
libraries=$programs/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries:$programs/lib/x86_64-linux-gnu:$libraries/ceph
export PATH=$programs/usr/bin:$PATH
export CEPH_CONF=$here/ceph.conf
cluster=6cb71310-4d53-4905-936a-4957737223b8
store=0e6cdb4c-2b3f-4e0c-9f43-2f0a4d2b7a11
mkdir -p mon osd rgw
cat >ceph.conf <<CONF
[global]
fsid = $cluster
mon host = [v1:127.0.0.1:$monitor]
public addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind msgr2 = false
ms bind port min = $first
ms bind port max = $((first + 40))
auth cluster required = none
auth service required = none
auth client required = none
keyring = $here/keyring
run dir = $here
log file = $here/\$name.log
pid file = $here/\$name.pid
admin socket =
osd class dir = $libraries/rados-classes
erasure code dir = $libraries/ceph/erasure-code
plugin dir = $libraries/ceph
osd objectstore = memstore
memstore device bytes = 6442450944
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
mon data = $here/mon
mon data avail crit = 1
mon data avail warn = 2
osd data = $here/osd
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$gateway
rgw data = $here/rgw
rgw enable ops log = false
rgw enable usage log = false
rgw override bucket index max shards = 1
CONF
monmaptool --create --fsid "$cluster" --addv a "[v1:127.0.0.1:$monitor]" monmap
ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *'
ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
ceph-authtool keyring --gen-key -n client.rgw --cap mon 'allow *' --cap osd 'allow *'
osdmaptool --createsimple 1 --with-default-pool --pg-bits 2 --pgp-bits 2 --clobber osdmap
ceph-mon --mkfs -i a --monmap monmap --osdmap osdmap --keyring keyring
ceph-mon -i a -f &
ceph-osd -i 0 --mkfs --osd-uuid "$store"
# Before the monitor knows itself it refuses the store, which then ends.
{ until ceph-osd -i 0 -f; do sleep 0.2; done; } &
radosgw-admin user create --uid=admin --display-name=admin \
    --access-key="$ADMIN_KEY" --secret="$ADMIN_SECRET" >/dev/null
radosgw-admin user create --uid=reader --display-name=reader \
    --access-key="$READER_KEY" --secret="$READER_SECRET" >/dev/null
radosgw -n client.rgw -f &
# The bucket, and what the reader may do in it.
ask() {
    curl --silent --show-error --fail --retry 50 --retry-connrefused --retry-delay 1 \
        --aws-sigv4 aws:amz:us-east-1:s3 --user "$ADMIN_KEY:$ADMIN_SECRET" \
        --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"
}
ask -X PUT "http://127.0.0.1:$gateway/$BUCKET"
policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
 "Principal": {"AWS": ["arn:aws:iam:::user/reader"]},
 "Action": ["s3:GetObject", "s3:ListBucket"],
 "Resource": ["arn:aws:s3:::'$BUCKET'", "arn:aws:s3:::'$BUCKET'/*"]}]}'
ask -X PUT "http://127.0.0.1:$gateway/$BUCKET?policy=" --data-binary "$policy"
wait
