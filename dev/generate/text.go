package generate

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// subject is what a text is about.
type subject struct {
	name, title string // of the package
	version     string
	release     string // experimental, beta or ga
	category    string
	dataset     string // <package>.<data stream>
	streamType  string // logs or metrics
	screenshots string // YAML, with a line break at its end; empty: none
}

// writer writes text from patterns, in which a percent sign and a letter stand for what varies:
//
//	%w a word       %s a sentence    %n a number    %i an id      %t a field's type
//	%p the package  %T its title     %v its version %r release    %c category
//	%d the dataset  %y its type      %S screenshots %% a percent sign
//
// Nothing that is put in needs quotes in YAML, JSON or XML.
type writer struct {
	out    []byte
	random *rand.Rand
	about  subject
}

func (w *writer) expand(pattern string) {
	for {
		i := strings.IndexByte(pattern, '%')
		if i < 0 {
			w.out = append(w.out, pattern...)
			return
		}
		w.out = append(w.out, pattern[:i]...)
		w.insert(pattern[i+1])
		pattern = pattern[i+2:]
	}
}

func (w *writer) insert(letter byte) {
	switch letter {
	case 'w':
		w.out = append(w.out, vocabulary[w.random.IntN(len(vocabulary))]...)
	case 's':
		w.out = append(w.out, sentences[w.random.IntN(len(sentences))]...)
	case 'n':
		w.out = strconv.AppendInt(w.out, int64(w.random.IntN(1000)), 10)
	case 'i':
		w.out = strconv.AppendUint(w.out, w.random.Uint64()|1<<63, 16)
	case 't':
		w.out = append(w.out, fieldTypes[w.random.IntN(len(fieldTypes))]...)
	case 'p':
		w.out = append(w.out, w.about.name...)
	case 'T':
		w.out = append(w.out, w.about.title...)
	case 'v':
		w.out = append(w.out, w.about.version...)
	case 'r':
		w.out = append(w.out, w.about.release...)
	case 'c':
		w.out = append(w.out, w.about.category...)
	case 'd':
		w.out = append(w.out, w.about.dataset...)
	case 'y':
		w.out = append(w.out, w.about.streamType...)
	case 'S':
		w.out = append(w.out, w.about.screenshots...)
	case '%':
		w.out = append(w.out, '%')
	default:
		panic("generate: a pattern with %" + string(letter))
	}
}

// vocabulary has no word that YAML takes for anything but text.
var vocabulary = strings.Fields(`
	access account action active address agent alert average backup bandwidth batch broker bucket buffer bytes cache
	capacity channel client cluster code command commit config connection consumer container core count cpu current daemon
	database deployment device disk domain duration error event exchange failed file filter firewall flow free gateway
	group handler health heap host idle index info input instance interface job key kernel label latency leader length
	level limit listener load lock log manager master memory message metric mode monitor name namespace network node
	object offset operation output packet page parser partition path peer percent period pipeline pod policy pool port
	process producer protocol proxy query queue rate read reason record region remote replica request resource response
	route rule sample schema segment sensor server service session shard signal size socket source speed state status
	storage stream summary swap system table target task thread time token topic total traffic transaction tunnel type
	unit update upstream usage user value vendor version volume wait worker write zone`)

var fieldTypes = []string{"keyword", "keyword", "keyword", "long", "long", "double", "ip", "boolean", "date", "text", "scaled_float"}

// sentences come again and again, as those of fields' descriptions do. Their number is what makes text compress as much
// as the real storage's: each file some 5:1, and all files one after the other 20:1 and more.
var sentences = func() []string {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]string, 120)
	for i := range all {
		words := make([]string, 5+random.IntN(10))
		for j := range words {
			words[j] = vocabulary[random.IntN(len(vocabulary))]
		}
		words[0] = strings.ToUpper(words[0][:1]) + words[0][1:]
		all[i] = strings.Join(words, " ") + "."
	}
	return all
}()

// nameOf is the name of the n-th family, another one for each n.
func nameOf(n int) string {
	const apart = 7919 // a prime: neighbours in number are none in the alphabet
	many := len(vocabulary) * len(vocabulary)
	k := (n%many + 1) * apart % many
	name := vocabulary[k/len(vocabulary)] + "_" + vocabulary[k%len(vocabulary)]
	if n >= many {
		name += "_" + strconv.Itoa(n/many)
	}
	return name
}

// titleOf makes "Cache Broker" of cache_broker.
func titleOf(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, " ")
}
