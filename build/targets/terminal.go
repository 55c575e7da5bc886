package targets

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// patience is after how long a stage shows that it is still at work.
const patience = time.Second

// terminal shows a person what is going on: results on out; progress, warnings and details on progress. On a terminal
// a stage that takes longer than patience has a bar, elsewhere (CI) a line.
type terminal struct {
	out, progress io.Writer
	interactive   bool
	color         bool
	verbose       bool
	mutex         sync.Mutex
}

func newTerminal(out, progress *os.File, verbose bool) *terminal {
	interactive := term.IsTerminal(int(progress.Fd())) && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb"
	return &terminal{
		out: out, progress: progress, interactive: interactive, verbose: verbose,
		color: interactive && os.Getenv("NO_COLOR") == "", // no-color.org: any value counts
	}
}

const yellow, green, plain = "\x1b[33m", "\x1b[32m", "\x1b[0m"

func (t *terminal) colored(color, text string) string {
	if !t.color {
		return text
	}
	return color + text + plain
}

func (t *terminal) line(text string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	fmt.Fprintln(t.progress, text)
}

// Warn implements pipeline.Reporter.
func (t *terminal) Warn(text string) { t.line(t.colored(yellow, "warning: ") + text) }

// Detail implements pipeline.Reporter.
func (t *terminal) Detail(text string) {
	if t.verbose {
		t.line("  " + text)
	}
}

// Stage implements pipeline.Reporter.
func (t *terminal) Stage(name string) pipeline.Stage {
	s := &stage{terminal: t, name: name, start: time.Now()}
	s.timer = time.AfterFunc(patience, s.show)
	return s
}

// stage is one line when it ends, and a bar before that if it takes long.
type stage struct {
	terminal *terminal
	name     string
	start    time.Time
	timer    *time.Timer

	mutex       sync.Mutex
	total, done int64
	bar         *progressbar.ProgressBar
	ended       bool
}

// show is called when the stage has taken longer than patience.
func (s *stage) show() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ended {
		return
	}
	if !s.terminal.interactive {
		s.terminal.line(s.name + " …")
		return
	}
	total := s.total
	if total == 0 {
		total = -1 // a spinner
	}
	s.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(s.terminal.progress),
		progressbar.OptionSetDescription(s.name),
		progressbar.OptionShowBytes(s.total > 0),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetRenderBlankState(true), // a spinner does not turn before it was shown once
	)
	if s.total > 0 {
		s.bar.Set64(s.done)
	}
}

// Total implements pipeline.Stage.
func (s *stage) Total(bytes int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.total = bytes
}

// Add implements pipeline.Stage.
func (s *stage) Add(bytes int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.done = min(s.done+bytes, max(s.total, 0))
	if s.bar != nil {
		s.bar.Set64(s.done)
	}
}

// Done implements pipeline.Stage.
func (s *stage) Done(result string) {
	s.end()
	line := fmt.Sprintf("%s %s: %s", s.terminal.colored(green, "ok"), s.name, result)
	if took := time.Since(s.start); took > 10*time.Millisecond || s.terminal.verbose {
		line += fmt.Sprintf(" (%s)", seconds(took.Seconds()))
	}
	s.terminal.line(line)
}

// Failed implements pipeline.Stage.
func (s *stage) Failed() { s.end() }

func (s *stage) end() {
	s.timer.Stop()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ended = true
	if s.bar != nil {
		s.bar.Finish() // also ends the spinner's own goroutine
		s.bar.Clear()
		s.bar = nil
	}
}

func seconds(s float64) string { return fmt.Sprintf("%.2f s", s) }

// size is a number of bytes for people: "12.3 MB".
func size(bytes int64) string {
	switch {
	case bytes < 1000:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	case bytes < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(bytes)/1e9)
}

// plural is "1 package", "2 packages".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// summary writes a title and rows of a label and a value each.
func (t *terminal) summary(title string, rows [][2]string) {
	var b strings.Builder
	b.WriteString(title + "\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "  %-9s %s\n", row[0], row[1])
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	io.WriteString(t.out, b.String())
}
