#include "fakes/damage_kinds.h"

namespace quiver::fakes {

// Slots.
void AddLinkDamage(std::vector<DamageKind>* out) {
  std::vector<DamageKind>& kinds = *out;
  const QuiverSeverity warning = QUIVER_SEVERITY_WARNING;
  const auto in_slot = [&](const char* name, const char* text,
                           std::function<bool(const Patient&)> applies,
                           std::function<void(Patient*, uint32_t)> damage) {
    for (const PageKind kind : {PageKind::kNode, PageKind::kUpper})
      kinds.push_back({name, warning, text,
                       [=](const Patient& patient) {
                         return patient.Has(kind) && applies(patient) &&
                                patient.Get<uint8_t>(patient.First(kind),
                                                     patient.Head(offsetof(NodeHead, slot_count))) >
                                    1;
                       },
                       [=](Patient* patient) { damage(patient, patient->First(kind)); }});
  };
  in_slot("number past the end", "a neighbour's number is not one of this index", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 0),
                                   0xFFFFFFF0);
          });
  in_slot("no number", "a neighbour's number is not one of this index", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 0),
                                   kInvalidNode);
          });
  in_slot("number on the meta page", "a neighbour's number is not one of this index", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 0), 0);
          });
  in_slot("generation not given", "a neighbour's generation is none that its page has given",
          Always, [](Patient* patient, uint32_t block) {
            patient->Flip<uint16_t>(block, patient->Slot(patient->layout().generation_offset, 2, 0),
                                    0x1500);
          });
  in_slot("generation of zero", "a neighbour's generation is none that its page has given", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint16_t>(block, patient->Slot(patient->layout().generation_offset, 2, 0),
                                   0);
          });
  in_slot("a page of no nodes", "a neighbour's generation is none that its page has given", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint32_t>(
                block, patient->Slot(patient->layout().number_offset, 4, 0),
                patient->layout().NumberOf(patient->First(PageKind::kPosting), 0));
          });
  in_slot(
      "another place", "a neighbour's generation is that of another place",
      [](const Patient& patient) { return patient.layout().nodes_per_page > 1; },
      [](Patient* patient, uint32_t block) {
        const NodeLayout& layout = patient->layout();
        const size_t at = patient->Slot(layout.number_offset, 4, 0);
        const auto number = patient->Get<uint32_t>(block, at);
        // Neither where it is nor where the list is.
        uint32_t other = layout.NumberOf(layout.BlockOf(number), 0);
        while (other == number || other == layout.NumberOf(block, 0)) other++;
        patient->Put<uint32_t>(block, at, other);
      });
  in_slot("itself", "a node is its own neighbour", Always, [](Patient* patient, uint32_t block) {
    patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 1),
                           patient->layout().NumberOf(block, 0));
  });
  in_slot("twice", "a node has a neighbour twice", Always, [](Patient* patient, uint32_t block) {
    const NodeLayout& layout = patient->layout();
    patient->Put<uint32_t>(
        block, patient->Slot(layout.number_offset, 4, 1),
        patient->Get<uint32_t>(block, patient->Slot(layout.number_offset, 4, 0)));
    patient->Put<uint16_t>(
        block, patient->Slot(layout.generation_offset, 2, 1),
        patient->Get<uint16_t>(block, patient->Slot(layout.generation_offset, 2, 0)));
  });
  in_slot("another level", "a neighbour is on another level", Having(PageKind::kUpper),
          [](Patient* patient, uint32_t block) {
            const NodeLayout& layout = patient->layout();
            const uint32_t other = patient->First(
                block == patient->First(PageKind::kUpper) ? PageKind::kNode : PageKind::kUpper);
            patient->Put<uint32_t>(block, patient->Slot(layout.number_offset, 4, 0),
                                   layout.NumberOf(other, 0));
            patient->Put<uint16_t>(block, patient->Slot(layout.generation_offset, 2, 0),
                                   PointerGeneration(patient->Get<uint32_t>(
                                       other, patient->Head(offsetof(NodeHead, generation)))));
          });
  in_slot(
      "code", "a slot's code is not that of its neighbour",
      [](const Patient& patient) {
        return patient.layout().codec == Codec::kEdge && patient.layout().codes_at_home > 0;
      },
      [](Patient* patient, uint32_t block) {
        patient->Flip<uint8_t>(block, patient->Slot(patient->layout().code_offset, 1, 2), 4);
      });
  in_slot(
      "bits", "a slot has other bits than its neighbour",
      [](const Patient& patient) { return patient.layout().codec == Codec::kBits; },
      [](Patient* patient, uint32_t block) {
        patient->Flip<uint8_t>(block, patient->Slot(patient->layout().code_offset, 1, 3), 16);
      });
  in_slot(
      "length", "a slot's length is not the distance of its neighbour",
      [](const Patient& patient) { return patient.layout().codec == Codec::kNone; },
      [](Patient* patient, uint32_t block) {
        const size_t at = patient->Slot(patient->layout().f_offset, 4, 0);
        patient->Put<float>(block, at, patient->Get<float>(block, at) * 1.01f + 0.01f);
      });
  for (const bool f : {true, false})
    in_slot(
        f ? "f" : "g", "a slot's terms are not those of its neighbour",
        [](const Patient& patient) { return patient.layout().codec == Codec::kEdge; },
        [f](Patient* patient, uint32_t block) {
          const NodeLayout& layout = patient->layout();
          patient->Flip<uint16_t>(block, patient->Slot(f ? layout.f_offset : layout.g_offset, 2, 0),
                                  0x0400);
        });
}

}  // namespace quiver::fakes
