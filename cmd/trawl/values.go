package main

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// duration is a flag: "500ms", "2s", or bare seconds.
type duration time.Duration

// longest is the longest duration of a flag: sums and multiples of some are still durations.
const longest = 8760 * time.Hour

func (d *duration) String() string {
	if *d == 0 {
		return "0" // which a help text leaves out
	}
	return time.Duration(*d).String()
}

func (d *duration) Type() string { return "duration" }

// Set takes bare seconds as well. They are printed without an exponent, which ParseDuration does not know.
func (d *duration) Set(s string) error {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		s = strconv.FormatFloat(seconds, 'f', -1, 64) + "s"
	}
	v, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return errors.New("want a duration such as 500ms, 2s or 1.5")
	case v > longest || v < -longest:
		return errors.New("too long: want a year at most")
	}
	*d = duration(v)
	return nil
}

// choice is a flag with a few values.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.of, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		last := len(c.of) - 1
		return errors.New("want " + strings.Join(c.of[:last], ", ") + " or " + c.of[last])
	}
	c.value = s
	return nil
}

func (c *choice) propose(string) []string { return c.of }

// choices is a flag with some of a few values: a list with commas, or given again.
type choices struct {
	list []string
	of   []string
}

func (c *choices) String() string     { return strings.Join(c.list, ",") }
func (c *choices) Type() string       { return "list" }
func (c *choices) GetSlice() []string { return c.list }

func (c *choices) Set(s string) error {
	if s == "" {
		return nil // none of them
	}
	for word := range strings.SplitSeq(s, ",") {
		one := choice{of: c.of}
		if err := one.Set(word); err != nil {
			return err
		}
		c.list = append(c.list, word)
	}
	return nil
}

// propose goes on after the last comma.
func (c *choices) propose(typed string) (list []string) {
	head := typed[:strings.LastIndexByte(typed, ',')+1]
	for _, word := range c.of {
		list = append(list, head+word)
	}
	return list
}

// size is a flag: bytes, or "512KiB", "10MiB", "1GB".
type size int64

func (z *size) String() string { return formatBytes(int64(*z)) }
func (z *size) Type() string   { return "size" }

// Set takes K, M, G and T for binary units, as KiB is, and KB, MB, GB and TB for decimal ones.
func (z *size) Set(s string) error {
	number := strings.TrimRight(s, "kKMGTiB")
	unit, ok := units[strings.ToUpper(s[len(number):])]
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v*unit < math.MaxInt64) {
		return errors.New("want a size such as 500000, 512KiB or 10MiB")
	}
	*z = size(v * unit)
	return nil
}

var units = map[string]float64{
	"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
}

// formatBytes prints a number of bytes the way size reads it.
func formatBytes(n int64) string {
	for _, u := range []struct {
		name string
		n    float64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if float64(n) >= u.n {
			return strings.TrimSuffix(strconv.FormatFloat(float64(n)/u.n, 'f', 1, 64), ".0") + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// formatCount groups the digits: 1,234,567.
func formatCount(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// formatMany prints how many there are of something.
func formatMany(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return formatCount(n) + " " + what
}

// formatTime prints a duration for people: to the second, or finer when it is short.
func formatTime(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
