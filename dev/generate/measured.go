package generate

// The figures here were measured on the first-parent history of the production branch of a real storage, July to
// December 2022, of which 23 families were taken: 41 commits, 232 versions in the first and 292 in the last, 29,496
// files of 333 MB there, which are 4,492 blobs of 47 MB (23 MB of them 65 pictures).

const (
	measuredCommits = 41
	// firstVersions of a family have no executable files; in all later ones all files are. Of 29,496 files 1,929 were not.
	firstVersions = 1
)

// additions are the versions that each commit after the first one added. Where there is none, the registry version
// was changed. Versions were never changed or removed.
var additions = []int{
	0, 0, 0, 0, 0,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	2, 2, 3, 3, 4, 5, 6, 8,
}

// sameFamily is how often, where a commit added several versions, one was of the same family as that before it: 21 of 25.
const sameFamily = 0.84

// profile is a family's: its versions in the first commit and in the last, then the mean numbers of files in a version,
// and their mean sizes in kB.
type profile struct {
	first, last                                         int
	streams, agents                                     int // agents: whether streams have an agent.yml
	otherFields, samples, pipelines, templates          int
	visualizations, dashboards, searches                int
	pictures, pictureKB, iconKB                         int
	docs, docKB, readmeKB, ecsKB, fieldsKB, dashboardKB int
}

// profiles are the measured families, in an order in which the busy and the large ones are dispersed. Larger storages
// have each of them several times, under other names and with other content.
var profiles = []profile{
	{12, 14, 3, 1, 0, 2, 3, 5, 17, 3, 3, 3, 713, 1, 0, 0, 22, 2, 1, 3},
	{6, 7, 5, 1, 0, 3, 2, 5, 15, 3, 3, 2, 146, 2, 0, 0, 34, 4, 3, 3},
	{7, 17, 3, 1, 0, 3, 0, 3, 7, 1, 0, 1, 956, 2, 0, 0, 24, 1, 1, 6},
	{13, 13, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0},
	{8, 10, 5, 1, 5, 4, 3, 5, 14, 3, 5, 3, 269, 12, 0, 0, 36, 2, 3, 3},
	{44, 53, 25, 1, 0, 24, 0, 25, 29, 7, 0, 4, 300, 4, 8, 23, 48, 1, 2, 12},
	{5, 5, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0},
	{10, 14, 5, 0, 59, 0, 0, 5, 0, 0, 0, 0, 0, 3, 0, 0, 2, 56, 0, 0},
	{7, 8, 3, 1, 0, 3, 0, 3, 5, 1, 0, 1, 358, 440, 0, 0, 16, 1, 1, 2},
	{14, 17, 7, 0, 2, 0, 14, 1, 0, 0, 0, 4, 236, 1, 0, 4, 66, 10, 6, 0},
	{3, 3, 4, 0, 2, 2, 6, 4, 3, 2, 2, 2, 284, 1, 0, 0, 13, 2, 2, 2},
	{10, 17, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 2, 0, 0, 27, 21, 3, 0},
	{22, 25, 17, 1, 3, 0, 5, 19, 103, 12, 10, 2, 409, 1, 0, 0, 124, 6, 3, 6},
	{8, 8, 7, 0, 6, 7, 1, 7, 24, 2, 0, 2, 760, 1, 0, 0, 27, 1, 1, 5},
	{6, 7, 4, 1, 3, 3, 1, 4, 11, 2, 2, 2, 137, 3, 0, 0, 22, 1, 1, 3},
	{6, 14, 3, 1, 1, 2, 1, 4, 19, 7, 0, 1, 180, 18, 0, 0, 38, 9, 8, 2},
	{7, 8, 11, 1, 0, 0, 0, 11, 7, 1, 0, 1, 718, 1, 0, 0, 29, 3, 2, 4},
	{13, 14, 3, 1, 0, 3, 3, 4, 18, 2, 3, 2, 693, 12, 0, 0, 26, 6, 2, 4},
	{2, 2, 9, 0, 0, 9, 0, 9, 7, 1, 1, 1, 853, 1, 0, 0, 51, 6, 2, 3},
	{6, 10, 5, 1, 2, 2, 2, 5, 20, 2, 2, 2, 409, 6, 0, 0, 39, 1, 6, 5},
	{10, 11, 13, 1, 6, 0, 0, 0, 4, 1, 0, 1, 712, 2, 0, 0, 31, 1, 8, 5},
	{7, 9, 6, 1, 0, 6, 2, 6, 9, 2, 3, 1, 136, 2, 0, 0, 73, 1, 7, 2},
	{6, 6, 8, 1, 8, 8, 3, 8, 101, 14, 0, 15, 154, 1, 8, 10, 45, 7, 1, 6},
}

// habits are how kinds of files change from a version to the next: how often any file of the kind does, then which share
// of them do. Measured on 269 pairs of versions that follow each other in number; files that went and came under another
// name count as changed. Really 0.54 of the versions changed the README, 0.20 base-fields.yml, 0.03 an agent.yml and 0.03
// a picture; with the values here what comes out agrees: a new version shares 79 % of its files and 84 % of its bytes with
// the one before it, in the median 86 % and 93 %, and all pictures come to 23 MB.
var habits = [kinds]struct{ versions, files float64 }{
	manifest:       {0.5, 1}, // in more than the version, which always does
	changelog:      {0, 0},   // it has a version more each time
	readme:         {0.75, 1},
	otherDocs:      {0.56, 0.42},
	streamManifest: {0.38, 0.65},
	base:           {0.10, 0.84},
	agent:          {0.02, 0.51},
	ecs:            {0.40, 0.74},
	fields:         {0.28, 0.45},
	otherFields:    {0.15, 0.37},
	sample:         {0.20, 0.83},
	ingest:         {0.40, 0.75},
	template:       {0.35, 0.49},
	visualization:  {0.20, 0.44},
	dashboard:      {0.20, 0.70},
	search:         {0.20, 0.69},
	icon:           {0.01, 1},
	picture:        {0.045, 0.75},
	license:        {0, 0},
}

// extents multiply how often a kind changes, each of them in as many versions as the others: most versions mend little,
// some go through everything. (Chosen, so that the deciles of what versions share come out.)
var extents = []float64{0.3, 0.3, 0.7, 1, 2.4}

// How often a version has a data stream or a visualization more, and how often a visualization less.
const (
	moreStreams        = 0.02
	moreVisualizations = 0.07
	lessVisualizations = 0.05
)

// sizes are the medians in bytes, and the spread, of the kinds for which a profile has no mean. Manifests and pipelines
// really have 1,530 and 1,570 bytes in the median, but more very large ones.
var sizes = [kinds]struct {
	median int
	sigma  float64
}{
	manifest:       {1900, 0.9},
	streamManifest: {770, 0.6},
	base:           {565, 0.6},
	sample:         {2000, 0.5},
	ingest:         {2300, 1.2},
	template:       {216, 0.9},
	visualization:  {1870, 0.4},
	search:         {1100, 0.3},
	otherFields:    {750, 0.6},
}

// What families share: 85 % of all agent.yml are one blob of 6.4 kB, in 16 of 23 families; one base-fields.yml of 331
// bytes is in 15 of them, and one ecs.yml of 0.2 kB in 5; a license is in 22 versions of 9, each time the same. What was
// not measured are the chances of a stream, or family, to have what others have: they make about as many blobs come out.
const (
	commonAgent, agentBytes   = 0.85, 6400
	commonBase                = 0.3
	commonECS, commonECSBytes = 0.25, 400
	commonVariants            = 10
	withLicense, licenseBytes = 0.15, 3860
	changelogEntries          = 60 // after which they are cut off
)
