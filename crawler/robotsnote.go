package crawler

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"time"

	"github.com/klauspost/compress/flate"

	"trawl/parser"
)

// A note is a ruling as others can read it. It holds no moment, as clocks differ: whoever keeps it says how old it is.
//
//	1 byte   version, 1: another one is not read
//	4 bytes  CRC-32C of what follows, little-endian
//	uvarints how long the rules served on when the note was made, and how long ago they were fetched; ns
//	         length of the token, and that
//	1 byte   bit 0: the rest is deflated text; bits 1 and 2: see Marks
//	rest     a robots.txt that says to all what the origin's said to that token: see parser.Robots.Text
const noteVersion = 1

const (
	noteDeflated  = 1 << 0
	noteAnnounced = 1 << 1
	noteSpare     = 1 << 2
)

const noteHeader = 5 // bytes before what the checksum is of

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Note returns a ruling for others to read, who pass it to Adopt; nil when there is nothing to share: the origin did not
// answer, or the note would be larger than max bytes.
func (r *Robots) Note(ruling *Ruling, max int) []byte {
	if ruling.err != nil {
		return nil
	}
	text := ruling.rules.Text()
	if len(text) > parser.MaxRobots {
		return nil
	}
	now := time.Now()
	note := append(make([]byte, 0, noteHeader+64+len(text)), noteVersion, 0, 0, 0, 0)
	note = binary.AppendUvarint(note, nanoseconds(ruling.expires.Sub(now)))
	note = binary.AppendUvarint(note, nanoseconds(now.Sub(ruling.learned)))
	note = binary.AppendUvarint(note, uint64(len(r.cfg.Token)))
	note = append(note, r.cfg.Token...)
	how := byte(0)
	if ruling.marks.Announced {
		how |= noteAnnounced
	}
	if ruling.marks.Spare {
		how |= noteSpare
	}
	note = appendText(note, how, text)
	binary.LittleEndian.PutUint32(note[1:], crc32.Checksum(note[noteHeader:], castagnoli))
	if len(note) > max {
		return nil
	}
	return note
}

func nanoseconds(d time.Duration) uint64 { return uint64(max(0, d)) }

// appendText deflates the text if that makes it shorter by something.
func appendText(note []byte, how byte, text string) []byte {
	if len(text) >= 256 {
		var b bytes.Buffer
		if err := flate.StatelessDeflate(&b, []byte(text), true, nil); err == nil && b.Len() < len(text)*7/8 {
			return append(append(note, how|noteDeflated), b.Bytes()...)
		}
	}
	return append(append(note, how), text...)
}

// Adopt takes over a note on an origin that was kept so long ago, unless more is known here. The rules serve until the
// note is as old as they were to serve, so everybody asks again at the same time, and when the origin does not answer
// then until they are 24 h old. It returns what is known of the origin now, and whether that serves: it is fresh, or spare.
// A note that is damaged, too old or about another token tells nothing.
func (r *Robots) Adopt(origin string, note []byte, age time.Duration) (*Ruling, bool) {
	ruling, ok := r.readNote(note, max(0, age))
	old := r.rulings.get(origin)
	if !ok || old != nil && old.learned.After(ruling.learned.Add(sameNote)) {
		return old, old.serves()
	}
	if old != nil && !ruling.fresh() { // it serves when the next attempt fails, too
		ruling.failures = old.failures
	}
	r.rulings.set(origin, ruling, ruling.cost())
	return ruling, ruling.serves()
}

// sameNote is how exact ages are: a note that is no older than what is known here may have been marked by others since.
const sameNote = time.Second

// readNote is the inverse of Note; false: it is none of ours, or its rules are too old for anything.
func (r *Robots) readNote(note []byte, age time.Duration) (*Ruling, bool) {
	if len(note) < noteHeader || note[0] != noteVersion ||
		binary.LittleEndian.Uint32(note[1:]) != crc32.Checksum(note[noteHeader:], castagnoli) {
		return nil, false
	}
	in := noteReader{rest: note[noteHeader:]}
	life, old := in.duration(), in.duration()
	token := in.bytes(in.uvarint())
	how := in.byte()
	text := in.text(how)
	if in.bad || string(token) != r.cfg.Token || old+age > robotsStale {
		return nil, false
	}
	now := time.Now()
	// The note may be from when robots.txt was to be kept for longer.
	left := min(life, r.cfg.Keep-old) - age
	rules := parser.ParseRobots(text, r.cfg.Token)
	return &Ruling{
		rules: rules, size: len(text), learned: now.Add(-old - age), expires: now.Add(left),
		marks: Marks{Announced: how&noteAnnounced > 0, Spare: how&noteSpare > 0},
	}, true
}

// noteReader reads the parts of a note; bad: there is one that cannot be.
type noteReader struct {
	rest []byte
	bad  bool
}

func (n *noteReader) uvarint() uint64 {
	v, used := binary.Uvarint(n.rest)
	if used <= 0 {
		n.bad, n.rest = true, nil
		return 0
	}
	n.rest = n.rest[used:]
	return v
}

// duration is one of at most a day.
func (n *noteReader) duration() time.Duration {
	v := n.uvarint()
	if v > uint64(robotsStale) {
		n.bad = true
		return 0
	}
	return time.Duration(v)
}

func (n *noteReader) bytes(count uint64) []byte {
	if count > uint64(len(n.rest)) {
		n.bad, n.rest = true, nil
		return nil
	}
	b := n.rest[:count]
	n.rest = n.rest[count:]
	return b
}

func (n *noteReader) byte() byte {
	if b := n.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// text is the rest, inflated to no more than a robots.txt can have.
func (n *noteReader) text(how byte) []byte {
	text := n.rest
	if how&noteDeflated > 0 {
		var err error
		text, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(text)), parser.MaxRobots+1))
		n.bad = n.bad || err != nil
	}
	n.bad = n.bad || how > noteDeflated|noteAnnounced|noteSpare || len(text) > parser.MaxRobots
	return text
}
