package preview

import v1 "github.com/google/go-containerregistry/pkg/v1"

// NewImage makes an image of bytes that do not change with the Go version, as the real binary does.
func NewImage(platform v1.Platform, binary []byte) (v1.Image, error) {
	return newImage(platform, binary)
}

// Sources are the embedded sources by path.
func Sources() map[string]string {
	all := map[string]string{}
	for _, s := range sources() {
		all[s.path] = string(s.content)
	}
	return all
}

// KeyWith is the key if one more source were embedded, or one had other content.
func KeyWith(path, content string) string {
	all := sources()
	for i, s := range all {
		if s.path == path {
			all[i].content = []byte(content)
			return key(all)
		}
	}
	return key(append(all, source{path, []byte(content)}))
}
