# Prints what a device says of itself, one key=value a line; what cannot be read is left out. POSIX sh: Linux, Android,
# macOS. It changes nothing. `sh facts.sh now` prints only what changes: temperatures, clocks, throttling, load.
export PATH="$PATH:/usr/sbin:/sbin:/opt/vc/bin"

put() { # put KEY VALUE [DETAIL]
    [ -n "$2" ] && echo "$1=$2${3:+ $3}"
}

first() { # the first line of a file; the device tree ends its strings with NUL
    [ -r "$1" ] && tr -d '\000' <"$1" 2>/dev/null | head -n 1
}

known() { # the same, "-" where there is none
    line=$(first "$1")
    echo "${line:--}"
}

have() {
    command -v "$1" >/dev/null 2>&1
}

now() {
    for zone in /sys/class/thermal/thermal_zone*; do
        put zone "$(first "$zone/temp")" "$(first "$zone/type")"
    done
    for sensor in /sys/class/hwmon/hwmon*; do # x86: coretemp, k10temp
        put zone "$(first "$sensor/temp1_input")" "$(first "$sensor/name")"
    done
    for cooler in /sys/class/thermal/cooling_device*; do
        put cooler "$(first "$cooler/cur_state")" "$(first "$cooler/type")"
    done
    for core in /sys/devices/system/cpu/cpu[0-9]*; do
        scale=$core/cpufreq
        [ -d "$scale" ] || continue
        # number, clock now, limit now, least, most (kHz), governor
        echo "core=${core##*/cpu} $(known "$scale/scaling_cur_freq") $(known "$scale/scaling_max_freq")" \
            "$(known "$scale/cpuinfo_min_freq") $(known "$scale/cpuinfo_max_freq") $(known "$scale/scaling_governor")"
    done
    put throttle_count "$(first /sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count)"
    put load "$(first /proc/loadavg)"
    if have vcgencmd; then
        put vcgencmd "$(vcgencmd measure_temp 2>/dev/null)"
        put vcgencmd "$(vcgencmd get_throttled 2>/dev/null)"
    fi
    if have dumpsys; then
        dumpsys thermalservice 2>/dev/null | grep -E 'Thermal Status:|Temperature\{' | sed 's/^[[:space:]]*/thermalservice=/'
        dumpsys battery 2>/dev/null | grep -E 'temperature:|powered:|level:' | sed 's/^[[:space:]]*/battery=/'
    fi
}

facts() {
    put model "$(first /proc/device-tree/model)"
    put model "$(first /sys/class/dmi/id/product_name)"
    put cpu "$(sed -nE 's/^(model name|Hardware|Model)[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)"
    put cpu_part "$(sed -n 's/^CPU part[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | tr '\n' ' ')"
    put cores "$(grep -c '^processor' /proc/cpuinfo 2>/dev/null)"
    put memory_kb "$(sed -n 's/^MemTotal:[[:space:]]*\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null)"
    put available_kb "$(sed -n 's/^MemAvailable:[[:space:]]*\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null)"
    put os "$(sed -n 's/^PRETTY_NAME="*\([^"]*\)"*/\1/p' /etc/os-release 2>/dev/null)"
    put kernel "$(uname -sr 2>/dev/null)"
    put arch "$(uname -m 2>/dev/null)"
    put power_mode "$(first /sys/firmware/acpi/platform_profile)"
    for supply in /sys/class/power_supply/*; do
        put supply "$(first "$supply/status")" "$(first "$supply/type")"
    done
    have nvpmodel && put power_mode "$(nvpmodel -q 2>/dev/null | sed -n 's/^NV Power Mode: //p')"
    if have getprop; then
        put model "$(getprop ro.product.manufacturer)" "$(getprop ro.product.model)"
        put cpu "$(getprop ro.soc.manufacturer)" "$(getprop ro.soc.model)"
        release=$(getprop ro.build.version.release)
        [ -n "$release" ] && put os "Android $release (API $(getprop ro.build.version.sdk))"
        have settings && put low_power "$(settings get global low_power 2>/dev/null)"
    fi
    if [ "$(uname -s)" = Darwin ]; then
        put model "$(sysctl -n hw.model 2>/dev/null)"
        put cpu "$(sysctl -n machdep.cpu.brand_string 2>/dev/null)"
        put cores "$(sysctl -n hw.ncpu 2>/dev/null)"
        put memory_b "$(sysctl -n hw.memsize 2>/dev/null)"
        put os "macOS $(sw_vers -productVersion 2>/dev/null)"
    fi
}

[ "$1" = now ] || facts
now
