package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"
)

// A tar's blocks have 512 bytes; it ends with two of zeros (POSIX.1-2017, pax, "ustar Interchange Format").
const blockSize = 512

var zeros [2 * blockSize]byte

// tarWriter writes the bytes that archive/tar would, and a test holds it to that. Half of a layer's entries are links
// and folders, so that headers cost more than contents: this takes a tenth of the time for those that fit into one
// plain block, and for long links; the other extended headers are archive/tar's own.
type tarWriter struct {
	to    *bufio.Writer
	left  int64 // of the file that is being written, in bytes
	pad   int
	block [blockSize]byte
	// records are kept for their memory.
	records []byte
}

func newTarWriter(to io.Writer) *tarWriter {
	return &tarWriter{to: bufio.NewWriterSize(to, 256<<10)}
}

// header starts an entry. Its time is the epoch; only Typeflag, Name, Linkname, Mode, Uid, Gid and Size count.
func (w *tarWriter) header(h tar.Header) error {
	if w.left != 0 {
		return errors.Errorf("write %s: the file before it lacks %d bytes", h.Name, w.left)
	}
	if _, err := w.to.Write(zeros[:w.pad]); err != nil {
		return err
	}
	w.left, w.pad = h.Size, int(-h.Size&(blockSize-1))
	if prefix, name, plain := plainHeader(&h); plain {
		w.fill(&h, prefix, name)
		_, err := w.to.Write(w.block[:])
		return err
	}
	if len(h.Linkname) > linkSize && ascii(h.Name) && ascii(h.Linkname) && h.Typeflag == tar.TypeLink {
		return w.longLink(&h)
	}
	h.ModTime = time.Unix(0, 0)
	var extended bytes.Buffer
	if err := tar.NewWriter(&extended).WriteHeader(&h); err != nil {
		return err
	}
	_, err := w.to.Write(extended.Bytes())
	return err
}

// longLink writes a link whose target is too long for a plain header: a block of PAX records comes before it, of which
// the most that archive/tar writes is both names. It is the one kind of extended header that a layer has many of.
func (w *tarWriter) longLink(h *tar.Header) error {
	w.records = appendRecord(w.records[:0], "linkpath", h.Linkname)
	if len(h.Name) > nameSize {
		w.records = appendRecord(w.records, "path", h.Name)
	}
	folder, file := path.Split(h.Name)
	named := path.Join(folder, "PaxHeaders.0", file)
	extended := tar.Header{Typeflag: tar.TypeXHeader, Size: int64(len(w.records))}
	w.fill(&extended, "", strings.TrimRight(named[:min(len(named), nameSize)], "/"))
	if _, err := w.to.Write(w.block[:]); err != nil {
		return err
	}
	if _, err := w.to.Write(w.records); err != nil {
		return err
	}
	if _, err := w.to.Write(zeros[:-len(w.records)&(blockSize-1)]); err != nil {
		return err
	}
	w.fill(h, "", h.Name)
	_, err := w.to.Write(w.block[:])
	return err
}

// appendRecord appends "<length> <key>=<value>\n"; the length counts its own digits.
func appendRecord(to []byte, key, value string) []byte {
	rest := len(key) + len(value) + len(" =\n")
	length := rest + len(strconv.Itoa(rest))
	if n := rest + len(strconv.Itoa(length)); n != length {
		length = n
	}
	to = strconv.AppendInt(to, int64(length), 10)
	to = append(append(append(append(to, ' '), key...), '='), value...)
	return append(to, '\n')
}

// Write writes content of the entry that was started last.
func (w *tarWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		return 0, tar.ErrWriteTooLong
	}
	n, err := w.to.Write(p)
	w.left -= int64(n)
	return n, err
}

// close ends the tar, and leaves open what it was written to.
func (w *tarWriter) close() error {
	if w.left != 0 {
		return errors.Errorf("the last file lacks %d bytes", w.left)
	}
	if _, err := w.to.Write(zeros[:w.pad]); err != nil {
		return err
	}
	if _, err := w.to.Write(zeros[:]); err != nil {
		return err
	}
	return w.to.Flush()
}

// The places of a header's fields, in bytes.
const (
	nameSize, linkSize, prefixSize = 100, 100, 155

	modeAt, uidAt, gidAt, sizeAt, timeAt = 100, 108, 116, 124, 136
	sumAt, typeAt, linkAt, magicAt       = 148, 156, 157, 257
	majorAt, minorAt, prefixAt           = 329, 337, 345
)

// plainHeader says whether one block can hold a header, and how it splits the name.
func plainHeader(h *tar.Header) (prefix, name string, plain bool) {
	const largest = 1<<21 - 1 // seven octal digits
	if !ascii(h.Name) || !ascii(h.Linkname) || len(h.Linkname) > linkSize || h.Size >= 1<<33 || h.Mode > largest ||
		h.Uid > largest || h.Gid > largest || strings.HasSuffix(h.Name, "/") != (h.Typeflag == tar.TypeDir) {
		return "", "", false
	}
	if len(h.Name) <= nameSize {
		return "", h.Name, true
	}
	length := min(len(h.Name), prefixSize+1)
	if length == len(h.Name) && h.Name[length-1] == '/' {
		length-- // a folder's own slash is no place to split
	}
	at := strings.LastIndexByte(h.Name[:length], '/')
	if at <= 0 || len(h.Name)-at-1 > nameSize || len(h.Name)-at-1 == 0 {
		return "", "", false
	}
	return h.Name[:at], h.Name[at+1:], true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == 0 {
			return false
		}
	}
	return true
}

func (w *tarWriter) fill(h *tar.Header, prefix, name string) {
	b := &w.block
	clear(b[:])
	text(b[:nameSize], name)
	octal(b[modeAt:uidAt-1], h.Mode)
	octal(b[uidAt:gidAt-1], int64(h.Uid))
	octal(b[gidAt:sizeAt-1], int64(h.Gid))
	octal(b[sizeAt:timeAt-1], h.Size)
	octal(b[timeAt:sumAt-1], 0)
	b[typeAt] = h.Typeflag
	text(b[linkAt:linkAt+linkSize], h.Linkname)
	copy(b[magicAt:], "ustar\x0000")
	if h.Typeflag != tar.TypeXHeader {
		octal(b[majorAt:minorAt-1], 0)
		octal(b[minorAt:prefixAt-1], 0)
	}
	copy(b[prefixAt:], prefix)
	// The checksum counts its own field as spaces, and is written with one digit less than other fields.
	sum := int64(8 * ' ')
	for _, c := range b {
		sum += int64(c)
	}
	octal(b[sumAt:sumAt+6], sum)
	b[sumAt+7] = ' '
}

// text fills a field as far as it goes: a PAX record has the rest. It must not end in a slash, or some readers take a
// file for a folder.
func text(field []byte, value string) {
	copy(field, value)
	if last := len(field) - 1; len(value) > len(field) && field[last] == '/' {
		field[len(strings.TrimRight(value[:last], "/"))] = 0
	}
}

// octal fills a field with digits.
func octal(field []byte, value int64) {
	for i := len(field) - 1; i >= 0; i-- {
		field[i] = byte('0' + value&7)
		value >>= 3
	}
}
