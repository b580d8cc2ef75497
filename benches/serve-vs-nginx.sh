#!/usr/bin/env bash
# What serving costs: CPU seconds of the server for each GB, `mms serve --pace off` beside nginx with `sendfile off`.
# One program reads from both, 256 KiB at a time, first on the server's processor and then on another one. Runs alternate;
# the median and the extremes are printed.
#
#   benches/serve-vs-nginx.sh            Debian packages: nginx-light gcc libc6-dev
#   RUNS=5 MEGABYTES=500 TIMES=4         the defaults: 5 runs of 4 times 500 MB
#   MOST=1.2                             fails when a ratio of the medians is above
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=${RUNS:-5} megabytes=${MEGABYTES:-500} times=${TIMES:-4} most=${MOST:-1.2}
PATH=$PATH:/usr/sbin
need nginx nginx-light
build
"$load" make "$scratch/film.wmv" "$megabytes"
serve "$scratch/film.wmv"
size=$(stat -c %s "$scratch/film.wmv")

http=$((20000 + RANDOM % 20000))
mkdir "$scratch/nginx"
cat >"$scratch/nginx/conf" <<CONF
daemon off; master_process off; pid $scratch/nginx/pid; error_log $scratch/nginx/err;
events {}
http {
  access_log off; sendfile off;
  client_body_temp_path $scratch/nginx/a; proxy_temp_path $scratch/nginx/b; fastcgi_temp_path $scratch/nginx/c;
  uwsgi_temp_path $scratch/nginx/d; scgi_temp_path $scratch/nginx/e;
  server { listen 127.0.0.1:$http; root $scratch; }
}
CONF
taskset -c "$first" nginx -p "$scratch/nginx" -c "$scratch/nginx/conf" 2>/dev/null &
nginx=$!
started+=("$nginx")
wait_for test -s "$scratch/nginx/pid"

# name, process, URL; the first is the anchor of all
rows=(
  "nginx, sendfile off|$nginx|http://127.0.0.1:$http/film.wmv"
  "mms serve, MMS/TCP|$server|mmst://127.0.0.1:$port/film.wmv"
  "mms serve, MMS over HTTP|$server|mmsh://127.0.0.1:$port/film.wmv"
  "mms serve, plain HTTP|$server|http://127.0.0.1:$port/film.wmv"
)

measure() { # PID URL: CPU seconds for each GB
  local before bytes after
  before=$(cpu_ticks "$1")
  bytes=$(on "$reader" "$load" read "$2" "$times")
  after=$(cpu_ticks "$1")
  [ "$bytes" -ge $((size * times - 10000)) ] || fail "$2: $bytes bytes of $((size * times))"
  divide "$(((after - before) * 10000000))" "$((bytes * ticks / 100))"
}

status=0
for reader in "$first" "$second"; do
  [ "$reader" = "$first" ] && where='server and reader on one processor' || where='server and reader each on a processor of its own'
  compare_rows "$where" || status=1
done
exit $status
