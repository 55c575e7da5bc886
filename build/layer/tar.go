package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/pkg/errors"
)

// A tar's blocks have 512 bytes; it ends with two of zeros (POSIX.1-2017, pax, "ustar Interchange Format").
const blockSize = 512

var zeros [2 * blockSize]byte

// tarWriter writes the bytes that archive/tar would, and a test holds it to that. Half of a layer's entries are links
// and folders, so that headers cost more than contents: this takes a tenth of the time for those that fit into one
// plain block, and leaves the others (long or non-ASCII names: PAX) to archive/tar.
type tarWriter struct {
	to    *bufio.Writer
	left  int64 // of the file that is being written, in bytes
	pad   int
	block [blockSize]byte
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
	h.ModTime = time.Unix(0, 0)
	var extended bytes.Buffer
	if err := tar.NewWriter(&extended).WriteHeader(&h); err != nil {
		return err
	}
	_, err := w.to.Write(extended.Bytes())
	return err
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
	copy(b[:nameSize], name)
	octal(b[modeAt:uidAt-1], h.Mode)
	octal(b[uidAt:gidAt-1], int64(h.Uid))
	octal(b[gidAt:sizeAt-1], int64(h.Gid))
	octal(b[sizeAt:timeAt-1], h.Size)
	octal(b[timeAt:sumAt-1], 0)
	b[typeAt] = h.Typeflag
	copy(b[linkAt:magicAt], h.Linkname)
	copy(b[magicAt:], "ustar\x0000")
	octal(b[majorAt:minorAt-1], 0)
	octal(b[minorAt:prefixAt-1], 0)
	copy(b[prefixAt:], prefix)
	// The checksum counts its own field as spaces, and is written with one digit less than other fields.
	sum := int64(8 * ' ')
	for _, c := range b {
		sum += int64(c)
	}
	octal(b[sumAt:sumAt+6], sum)
	b[sumAt+7] = ' '
}

// octal fills a field with digits.
func octal(field []byte, value int64) {
	for i := len(field) - 1; i >= 0; i-- {
		field[i] = byte('0' + value&7)
		value >>= 3
	}
}
